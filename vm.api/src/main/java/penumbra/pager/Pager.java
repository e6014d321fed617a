// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;
import penumbra.account.Cred;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * A filler of objects of one type ({@code struct pagerops}). For others to implement; {@code vm.pager} is its only
 * caller and wraps it: an exception becomes {@link PagerResult#ERROR} with the pages' states restored, and a broken
 * contract (a page left busy, valid bits set wrongly) is named and the pager parked.
 *
 * <p>"Locked" means that the caller holds the object's lock; a pager drops it for I/O and takes it again.
 */
@ConsumerType
public interface Pager {
    /** The type of objects that this pager fills; one pager a type is active. */
    ObjectType type();

    /** The name that commands use: {@code "vnode"}. */
    String name();

    /**
     * Finds or makes the object of {@code handle}, with one more reference, the caller's. No lock. May block.
     *
     * @param objects where a new object comes from
     * @param handle what the object stands for
     * @param bytes how much of it is wanted, from {@code offset}
     * @param prot the {@code Prot} bits wanted
     * @return null when the handle cannot be mapped so
     */
    @Nullable
    VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred);

    /** Forgets the object, which becomes DEAD. Locked; may drop the lock and block. */
    void deallocate(VmObject object);

    /**
     * Fills pages, all exclusive-busy and adjacent. Locked; drops the lock. On return the page at {@code requested} is
     * still busy, and valid if the result is OK; every other page has been unbusied or freed.
     */
    PagerResult getPages(VmObject object, Page[] pages, int count, int requested);

    /**
     * Writes pages, all shared-busy, adjacent and write-protected. Locked; drops the lock.
     *
     * @param flags {@link PagerFlags} bits
     * @param results receives what became of each page; for PEND the pager undirties, unbusies and ends the paging in
     *     progress of that page itself
     */
    void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results);

    /** Whether the pager has the page, as a {@link PageRun}. Locked; may drop the lock for I/O. */
    long hasPage(VmObject object, long pindex);

    /** A page became dirty, so the pager's copy of it is worthless. Locked; never blocks. */
    default void pageUnswapped(Page page) {}
}
