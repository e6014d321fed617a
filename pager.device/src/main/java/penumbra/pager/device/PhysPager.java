// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.account.Cred;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;

/**
 * The pager of memory that stays ({@code phys_pager.c}): unmanaged pages of zeroes at first, never written anywhere.
 */
@Component(service = Pager.class)
public final class PhysPager implements Pager {
    /** Pages in the aligned stretch that may be filled at once ({@code PHYSCLUSTER}). */
    private static final int CLUSTER = 1024;

    private final Pages pages;

    /** The pager of a machine. */
    @Activate
    public PhysPager(@Reference Pages pages) {
        this.pages = pages;
    }

    @Override
    public ObjectType type() {
        return ObjectType.PHYS;
    }

    @Override
    public String name() {
        return "phys";
    }

    /**
     * {@inheritDoc}
     *
     * <p>There is one object a handle, which grows to what is asked for and never shrinks; without a handle, one a call
     * ({@code phys_pager_alloc}).
     *
     * @return null when {@code offset} is not that of a page
     */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        long end = FictitiousPager.end(bytes, offset);
        if (end < 0) {
            return null;
        }
        return handle == null ? objects.allocate(ObjectType.PHYS, end) : objects.named(ObjectType.PHYS, handle, end);
    }

    @Override
    public void deallocate(VmObject object) {
        object.setHandle(null);
        object.setType(ObjectType.DEAD);
    }

    /** {@inheritDoc} Zeroes what is not valid; never drops the lock ({@code phys_pager_getpages}). */
    @Override
    public PagerResult getPages(VmObject object, Page[] array, int count, int requested) {
        for (int i = 0; i < count; i++) {
            Page page = array[i];
            if (page.valid() == 0 && (page.flags() & PageFlags.ZERO) != 0) {
                page.setValid(Page.ALL);
            } else {
                page.zeroInvalid(true);
            }
            if (i != requested) {
                page.xunbusy();
            }
        }
        return PagerResult.OK;
    }

    /** {@inheritDoc} Never called: unmanaged pages are never found dirty ({@code phys_pager_putpages}). */
    @Override
    public void putPages(VmObject object, Page[] array, int count, int flags, PagerResult[] results) {
        throw new KernelPanic("phys_pager_putpage called: page %d of %s", array[0].pindex(), object);
    }

    /**
     * {@inheritDoc} Each page of an aligned stretch of 1024 can be filled with the others ({@code phys_pager_haspage}).
     */
    @Override
    public long hasPage(VmObject object, long pindex) {
        if (pindex >= object.size()) {
            return PageRun.NONE;
        }
        int before = (int) (pindex & CLUSTER - 1);
        return PageRun.of(before, CLUSTER - 1 - before);
    }
}
