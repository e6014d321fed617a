// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Device;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;

/**
 * What the pagers of device memory have in common: a fault's page gives way to a fictitious one for the device's frame,
 * and nothing is ever written, because a store has reached the device when it is made.
 */
abstract class FictitiousPager implements Pager {
    private final Pages pages;
    private final Fidelity fidelity;

    FictitiousPager(Pages pages, Fidelity fidelity) {
        this.pages = pages;
        this.fidelity = fidelity;
    }

    /**
     * The frame behind a page of {@code object}, or {@link Device#NO_FRAME}. The object is not locked, and cannot end.
     */
    abstract int frame(VmObject object, long pindex);

    /** The memory attribute of the pages of {@code object}. */
    abstract int memattr(VmObject object);

    /** Makes a page, exclusive-busy, for the frame; null when it cannot be had. */
    @Nullable
    Page make(int frame, int memattr) {
        return pages.newFictitious(frame, memattr);
    }

    Pages pages() {
        return pages;
    }

    /** How many pages an object must have for {@code bytes} from {@code offset}; -1 when that is no range of pages. */
    static long end(long bytes, long offset) {
        boolean range = bytes >= 0 && offset >= 0 && (offset & PageSize.MASK) == 0;
        long end = offset + PageSize.ceiling(bytes);
        return range && end >= offset ? PageSize.index(end) : -1;
    }

    /** {@inheritDoc} The pages are the page layer's and end with the object ({@code dev_pager_dealloc}). */
    @Override
    public void deallocate(VmObject object) {
        object.setHandle(null);
        object.setType(ObjectType.DEAD);
    }

    /** {@inheritDoc} Fills the requested page only ({@code dev_pager_getpages}). */
    @Override
    public PagerResult getPages(VmObject object, Page[] array, int count, int requested) {
        Page wanted = array[requested];
        for (int i = 0; i < count; i++) {
            if (i != requested) {
                pages.free(array[i]);
            }
        }
        int memattr = memattr(object);
        object.lock().unlock();
        int frame = Device.NO_FRAME;
        try {
            frame = frame(object, wanted.pindex());
        } finally {
            object.lock().lock();
        }
        @Nullable Page filled = frame == Device.NO_FRAME ? null : at(object, wanted, frame, agreed(frame, memattr));
        if (filled == null) {
            // FAIL would have the fault put a zero page in the device's place.
            return fidelity.corrected() ? PagerResult.ERROR : PagerResult.FAIL;
        }
        filled.setValid(Page.ALL);
        array[requested] = filled;
        return PagerResult.OK;
    }

    /**
     * The attribute for a mapping of {@code frame}: that of its real page, if it has one, since two would not agree.
     */
    private int agreed(int frame, int memattr) {
        @Nullable Page real = pages.pageOfFrame(frame);
        return real == null || (real.flags() & PageFlags.FICTITIOUS) != 0 ? memattr : real.memattr();
    }

    /** The page for {@code frame} in the place of {@code wanted}, which it may be itself after it was invalidated. */
    private @Nullable Page at(VmObject object, Page wanted, int frame, int memattr) {
        boolean fictitious = (wanted.flags() & PageFlags.FICTITIOUS) != 0;
        if (fictitious && wanted.frame() == frame && wanted.memattr() == memattr) {
            return wanted;
        }
        if (fictitious && !wanted.managed()) {
            pages.updateFictitious(wanted, frame, memattr);
            return wanted;
        }
        @Nullable Page page = make(frame, memattr);
        if (page != null) {
            pages.free(pages.replace(page, object, wanted.pindex()));
        }
        return page;
    }

    /** {@inheritDoc} Never called: no page of a device becomes dirty ({@code dev_pager_putpages}). */
    @Override
    public void putPages(VmObject object, Page[] array, int count, int flags, PagerResult[] results) {
        throw new KernelPanic("dev_pager_putpage called: page %d of %s", array[0].pindex(), object);
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        return pindex < object.size() ? PageRun.of(0, 0) : PageRun.NONE;
    }
}
