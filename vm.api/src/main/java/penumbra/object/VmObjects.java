// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** The object core: makes objects, and keeps the list of them ({@code vm_object.c}). */
@ProviderType
public interface VmObjects extends ObjectFactory {
    /** The kernel's object: wired memory of the kernel. */
    VmObject kernelObject();

    /** The kernel allocator's object. */
    VmObject kmemObject();

    /**
     * Puts a new object in front of {@code source}, taking over the caller's reference, unless {@code source} is private
     * anonymous memory already, which is then returned as it is ({@code vm_object_shadow}). A new object starts at page 0
     * for {@code offset}. Unlocked.
     *
     * @param source may be null: the new object has nothing behind it
     * @param offset in pages
     * @param length in pages
     */
    VmObject shadow(@Nullable VmObject source, long offset, long length);

    /**
     * Moves the pages that one mapping of a shared anonymous object uses into an object of their own, taking over the
     * mapping's reference ({@code vm_object_split}). {@code object} locked on entry; the returned object, which may be the
     * same, locked on return. A new object starts at page 0 for {@code offset}. May block.
     */
    VmObject split(VmObject object, long offset, long length);

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
