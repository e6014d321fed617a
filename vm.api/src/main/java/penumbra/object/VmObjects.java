// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.page.Page;

/** The object core: makes objects, and keeps the list of them ({@code vm_object.c}). */
@ProviderType
public interface VmObjects extends ObjectFactory {
    /** The kernel's object: wired memory of the kernel. */
    VmObject kernelObject();

    /** The kernel allocator's object. */
    VmObject kmemObject();

    /**
     * Puts a new object in front of {@code source}, taking over the caller's reference, unless {@code source} is
     * private anonymous memory already, which is then returned as it is ({@code vm_object_shadow}). A new object starts
     * at page 0 for {@code offset}. Unlocked.
     *
     * @param source may be null: the new object has nothing behind it
     * @param offset in pages
     * @param length in pages
     */
    VmObject shadow(@Nullable VmObject source, long offset, long length);

    /**
     * Moves the pages that one mapping of a shared anonymous object uses into an object of their own, taking over the
     * mapping's reference ({@code vm_object_split}). {@code object} locked on entry; the returned object, which may be
     * the same, locked on return. A new object starts at page 0 for {@code offset}. May block.
     */
    VmObject split(VmObject object, long offset, long length);

    /**
     * Writes adjacent pages to their pager and settles what became of each ({@code vm_pageout_flush}). {@code object}
     * locked; drops the lock. May block. The pages are dirty, not busy, and write-protected.
     *
     * @param run the pages
     * @param count how many of them
     * @param flags {@code PagerFlags} bits
     * @param requested the index in {@code run} from which the run length counts
     * @param result receives what was written
     */
    void flush(VmObject object, Page[] run, int count, int flags, int requested, PageoutFlush result);

    /** Shows every object in order of allocation, under the list's lock: {@code visitor} takes no lock. */
    void forEach(Consumer<VmObject> visitor);

    /** The object with {@link VmObject#id} {@code id}; null when it is gone. */
    @Nullable
    VmObject find(long id);

    /** Objects merged with the one behind them since boot ({@code vm.stats.object.collapses}). */
    long collapses();

    /** Objects taken out of chains since boot ({@code vm.stats.object.bypasses}). */
    long bypasses();
}
