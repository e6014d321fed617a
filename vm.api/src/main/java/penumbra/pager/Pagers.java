// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * The one stable face of all pagers: dispatches by object type ({@code vm_pager.c}). Nobody above can tell that a pager
 * was replaced. Lock contracts are those of {@link Pager}.
 */
@ProviderType
public interface Pagers {
    /** Registers where pagers get objects from, or takes it away with null; the object core calls it when it starts. */
    void setObjectFactory(@Nullable ObjectFactory objects);

    /**
     * Finds or makes the object of {@code handle} ({@code vm_pager_allocate}). No lock. May block.
     *
     * @return null when no pager of that type is there or it refuses, or the swap could not be reserved
     */
    @Nullable
    VmObject allocate(ObjectType type, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred);

    /** Lets the object's pager forget it ({@code vm_pager_deallocate}). Locked. */
    void deallocate(VmObject object);

    /**
     * Fills pages ({@code vm_pager_get_pages}); when the result is OK the requested page is fully valid. Locked; drops
     * the lock. Other pages have been unbusied or freed.
     */
    PagerResult getPages(VmObject object, Page[] pages, int count, int requested);

    /** Writes pages ({@code vm_pager_put_pages}). Locked; drops the lock. */
    void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results);

    /**
     * What the pager has at {@code pindex}, as a {@link PageRun} ({@code vm_pager_has_page}). Locked; may drop the
     * lock.
     */
    long hasPage(VmObject object, long pindex);

    /** Tells the pager that a page became dirty ({@code vm_pager_page_unswapped}). Locked. */
    void pageUnswapped(Page page);

    /**
     * Lets the pager called {@code name} fill the objects of a type, whatever its ranking and as long as it is there;
     * calls under way end where they began, and objects go on by their handles. No lock. For stores see
     * {@link SwapSpace#use}.
     *
     * @return false when no such pager is there that keeps its contract, or the type's pager is the kernel's own
     */
    boolean use(ObjectType type, String name);

    /** What is known of each pager and store, for {@code vm:pagers}. */
    List<PagerStatus> status();
}
