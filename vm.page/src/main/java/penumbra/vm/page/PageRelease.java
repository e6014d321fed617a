// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Counter;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.Witness;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;
import penumbra.page.Pages;
import penumbra.page.QueueId;

/**
 * How pages leave their owners: removed, freed one by one or all at once, or cached. Locks are those of {@link Pages}.
 */
final class PageRelease {
    /** How many pages {@link #freeAll} frees at once: locks are held for no longer. */
    private static final int BATCH = 64;

    /** What a freed page is filled with on request; FreeBSD's memory guard writes the same. */
    private static final long FILLER = 0xDEADC0DE_DEADC0DEL;

    private final PageSystem system;
    private final PhysicalMemory memory;
    private final FreeMemory free;
    private final FictitiousPages fictitious;
    private final Fidelity fidelity;
    private final Counter freedByOwnersEnd = new Counter("vm.stats.vm.v_pfree");
    private volatile boolean fillFreedPages;

    PageRelease(PageSystem system, PhysicalMemory memory, Fidelity fidelity) {
        this.system = system;
        this.memory = memory;
        this.free = system.freeMemory();
        this.fictitious = system.fictitiousPages();
        this.fidelity = fidelity;
    }

    Counter freedByOwnersEnd() {
        return freedByOwnersEnd;
    }

    void setFillFreedPages(boolean fill) {
        fillFreedPages = fill;
    }

    /** {@link Pages#remove}. */
    void remove(VmPage page) {
        ResidentSet set = page.home;
        if (set == null) {
            return;
        }
        set.owner().lock().assertHeld();
        page.endXbusy();
        set.remove(page);
        page.home = null;
        orphan(page);
        if (set.count() == 0) {
            set.owner().dropBacking();
        }
    }

    /** {@link Pages#free}. */
    void free(VmPage page) {
        checkFreeable(page);
        page.clearFlags(PageFlags.ZERO);
        page.dequeue();
        remove(page);
        if (page.has(PageFlags.FICTITIOUS)) {
            fictitious.remove(page);
        } else if (release(page)) {
            free.give(page);
        }
    }

    private void checkFreeable(VmPage page) {
        if (page.has(PageFlags.FREE | PageFlags.CACHED)) {
            throw new KernelPanic("vm_page_free: freeing free page %s", page);
        }
        if (page.sharedBusy() > 0) {
            throw new KernelPanic("vm_page_free: freeing busy page %s", page);
        }
        if (page.wireCount() != 0 && !page.has(PageFlags.FICTITIOUS)) {
            throw new KernelPanic("vm_page_free: freeing wired page %s", page);
        }
        if (Witness.ON && page.managed() && system.pmap().isMapped(page)) {
            throw new KernelPanic("vm_page_free_toq: freeing mapped page %s", page);
        }
    }

    /** Clears a page that has lost its owner; returns whether it can be given back, that is, nobody holds it. */
    private boolean release(VmPage page) {
        page.setValid(0);
        page.undirty();
        if (page.leaveToHolders()) {
            return false;
        }
        page.setMemattr(0);
        if (fillFreedPages) {
            fill(page.frame());
        }
        return true;
    }

    private void fill(int frame) {
        for (int offset = 0; offset < PageSize.BYTES; offset += Long.BYTES) {
            memory.store(frame, offset, Long.BYTES, FILLER);
        }
    }

    /**
     * Lets the last unwire free a page that stays behind without owner. The original loses such a page for good unless
     * somebody remembers it.
     */
    private void orphan(VmPage page) {
        if (page.wireCount() > 0 && !page.has(PageFlags.FICTITIOUS) && fidelity.corrected()) {
            page.setFlags(VmPage.UNWIREFREE);
        }
    }

    /** Gives back a page whose freeing waited for its holders. */
    void giveBack(VmPage page) {
        if (release(page)) {
            free.give(page);
        }
    }

    /** {@link Pages#cache}. */
    void cache(VmPage page) {
        ResidentSet set = page.home;
        if (set == null) {
            throw new KernelPanic("vm_page_cache: page %s has no owner", page);
        }
        PageOwner owner = set.owner();
        owner.lock().assertHeld();
        if (page.busied() || !page.managed() || page.holdCount() != 0 || page.wireCount() != 0) {
            throw new KernelPanic("vm_page_cache: attempting to cache busy page %s", page);
        }
        if (page.dirty() != 0 || (Witness.ON && system.pmap().isMapped(page))) {
            throw new KernelPanic("vm_page_cache: page %s is dirty or mapped", page);
        }
        if (page.valid() == 0 || !owner.hasBackingCopy(page.pindex)) {
            free(page);
            return;
        }
        page.dequeue();
        set.remove(page);
        page.setMemattr(0);
        page.clearFlags(PageFlags.ZERO);
        page.clearAflags(PageFlags.A_WRITEABLE | PageFlags.A_REFERENCED | PageFlags.A_EXECUTABLE);
        // The first cached page needs a hold of its own, or takes over that of the last resident one. It is there
        // before
        // somebody else can take the page and drop it.
        if (set.count() != 0) {
            owner.holdBacking();
        }
        boolean firstCached = free.cache(set, page);
        if (!firstCached) {
            owner.dropBacking();
        }
    }

    /** {@link Pages#freeAll}. */
    void freeAll(PageOwner owner) {
        owner.lock().assertHeld();
        ResidentSet set = ResidentSet.of(owner);
        if (set.count() == 0) {
            return;
        }
        VmPage[] batch = new VmPage[BATCH];
        VmPage next = set.firstPage();
        while (next != null) {
            next = freeRun(next, batch);
        }
        set.clear();
        owner.dropBacking();
    }

    /**
     * Frees the pages of an owner's list from {@code start} on, as many as {@code batch} holds; returns the next one.
     */
    private @Nullable VmPage freeRun(VmPage start, VmPage[] batch) {
        system.queueOf(QueueId.ACTIVE).removeRun(start, batch.length);
        system.queueOf(QueueId.INACTIVE).removeRun(start, batch.length);
        int gone = 0;
        int toFree = 0;
        @Nullable VmPage page = start;
        for (int i = 0; i < batch.length && page != null; i++) {
            VmPage next = page.listNext;
            if (page.busied()) {
                throw new KernelPanic("vm_object_terminate: page %s is busy", page);
            }
            page.home = null;
            page.listPrevious = null;
            page.listNext = null;
            if (page.has(PageFlags.FICTITIOUS)) {
                checkFreeable(page);
                fictitious.remove(page);
            } else if (page.wireCount() == 0) {
                checkFreeable(page);
                page.clearFlags(PageFlags.ZERO);
                gone++;
                if (release(page)) {
                    batch[toFree++] = page;
                }
            } else {
                orphan(page);
            }
            page = next;
        }
        freedByOwnersEnd.add(gone);
        free.giveAll(batch, toFree);
        return page;
    }
}
