// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;

/** The pager of anonymous memory with pages in stores ({@code swap_pager.c}, the half that faces objects). */
final class SwapPager implements Pager {
    /** A run of slots is halved down to this many before the chunk is given up. */
    private static final int SMALLEST_HALVED = 4;

    /** Pages on each side that one page-in takes along at most: a whole transfer's. */
    private static final int WINDOW = BackingStore.MAX_RUN - 1;

    /**
     * The same of the original, whose sequential page-ins are half as long as its page-outs
     * ({@code SWB_NPAGES / 2 - 1}).
     */
    private static final int ORIGINAL_WINDOW = BackingStore.MAX_RUN / 2 - 1;

    /** Held while an object is looked for by its handle and made ({@code sw_alloc_sx}). */
    private final KernelLock handles = new KernelLock(LockRank.ADDRESS_SPACE, "swap objects by handle");

    private final SwapMaps maps;
    private final StoreTable stores;
    private final StoreSpace space;
    private final SwapTransfers transfers;
    private final SwapAccounting accounting;
    private final Pages pages;
    private final int window;

    SwapPager(
            SwapMaps maps,
            StoreTable stores,
            StoreSpace space,
            SwapTransfers transfers,
            SwapAccounting accounting,
            Pages pages,
            Fidelity fidelity) {
        this.maps = maps;
        this.stores = stores;
        this.space = space;
        this.transfers = transfers;
        this.accounting = accounting;
        this.pages = pages;
        this.window = fidelity.corrected() ? WINDOW : ORIGINAL_WINDOW;
    }

    @Override
    public ObjectType type() {
        return ObjectType.SWAP;
    }

    @Override
    public String name() {
        return "swap";
    }

    /** {@code swap_pager_alloc} */
    @Override
    public @Nullable VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        if (handle == null) {
            return make(objects, null, bytes, offset, cred);
        }
        handles.lock();
        try {
            @Nullable VmObject there = reference(handle);
            return there == null ? make(objects, handle, bytes, offset, cred) : there;
        } finally {
            handles.unlock();
        }
    }

    private @Nullable VmObject reference(Object handle) {
        @Nullable VmObject object = maps.find(handle);
        if (object == null) {
            return null;
        }
        object.lock().lock();
        boolean alive = !object.has(ObjectFlags.DEAD) && object.handle() == handle;
        if (alive) {
            object.referenceLocked();
        }
        object.lock().unlock();
        return alive ? object : null;
    }

    private @Nullable VmObject make(
            ObjectFactory objects, @Nullable Object handle, long bytes, long offset, @Nullable Cred cred) {
        @Nullable VmObject object = DefaultPager.make(objects, accounting, bytes, offset, cred);
        if (object != null) {
            object.lock().lock();
            object.setHandle(handle);
            maps.convert(object);
            object.lock().unlock();
        }
        return object;
    }

    /** {@code swap_pager_dealloc} */
    @Override
    public void deallocate(VmObject object) {
        object.pipWait("swpdea");
        maps.giveUp(object, ObjectType.DEAD);
        object.setHandle(null);
    }

    /** {@code swap_pager_getpages} */
    @Override
    public PagerResult getPages(VmObject object, Page[] run, int count, int requested) {
        object.lock().assertHeld();
        Transfer transfer = transfers.beginRead(object);
        @Nullable LocationMap map = SwapMaps.of(object);
        long at = map == null ? Location.NONE : map.readable(run[requested].pindex());
        int first = requested;
        int end = requested + 1;
        if (map != null && at != Location.NONE) {
            while (first > 0
                    && end - first < BackingStore.MAX_RUN
                    && map.readable(run[first - 1].pindex()) == at - (requested - first + 1)) {
                first--;
            }
            while (end < count
                    && end - first < BackingStore.MAX_RUN
                    && map.readable(run[end].pindex()) == at + (end - requested)) {
                end++;
            }
        }
        for (int i = 0; i < count; i++) {
            if (i < first || i >= end) {
                SwapTransfers.release(pages, run[i]);
            }
        }
        if (map == null || at == Location.NONE) {
            transfers.cancelRead(transfer);
            return PagerResult.FAIL;
        }
        transfer.location = at - (requested - first);
        for (int i = first; i < end; i++) {
            transfer.add(run[i], map.stamp(run[i].pindex()));
        }
        @Nullable PagerResult result = transfers.read(transfer, map, requested - first);
        // Somebody moved the page while it was read: look where it is now.
        return result != null ? result : getPages(object, new Page[] {run[requested]}, 1, 0);
    }

    /** {@code swap_pager_putpages} */
    @Override
    public void putPages(VmObject object, Page[] run, int count, int flags, PagerResult[] results) {
        object.lock().assertHeld();
        if (!stores.present()) {
            Arrays.fill(results, 0, count, PagerResult.AGAIN);
            return;
        }
        LocationMap map = maps.convert(object);
        object.lock().unlock();
        boolean wait = (flags & PagerFlags.PUT_SYNC) != 0 || !pages.daemonThread();
        int n;
        for (int i = 0; i < count; i += n) {
            n = Math.min(BackingStore.MAX_RUN, count - i);
            long location;
            while ((location = space.allocate(n)) == Location.NONE && n > SMALLEST_HALVED) {
                n >>= 1;
            }
            if (location == Location.NONE) {
                Arrays.fill(results, i, i + n, PagerResult.FAIL);
            } else {
                write(map, run, i, n, location, wait);
                Arrays.fill(results, i, i + n, PagerResult.PEND);
            }
        }
        object.lock().lock();
    }

    private void write(LocationMap map, Page[] run, int first, int count, long location, boolean wait) {
        VmObject object = map.object;
        Transfer transfer = transfers.beginWrite(object, wait);
        transfer.location = location;
        for (int i = 0; i < count; i++) {
            transfer.add(run[first + i], Stamp.RESERVED);
            transfers.stamp(transfer, i);
        }
        object.lock().lock();
        for (int i = 0; i < count; i++) {
            Page page = transfer.page(i);
            maps.put(map, page.pindex(), location + i, transfer.stamp(i));
            page.makeDirty();
            page.setOflags(PageFlags.O_SWAPINPROG);
        }
        object.lock().unlock();
        transfers.write(transfer, wait);
    }

    /** {@code swap_pager_haspage} */
    @Override
    public long hasPage(VmObject object, long pindex) {
        object.lock().assertHeld();
        @Nullable LocationMap map = SwapMaps.of(object);
        long at = map == null ? Location.NONE : map.readable(pindex);
        if (map == null || at == Location.NONE) {
            return PageRun.NONE;
        }
        int before = 0;
        while (before < window && before < pindex && map.readable(pindex - before - 1) == at - before - 1) {
            before++;
        }
        int after = 0;
        while (after < window && map.readable(pindex + after + 1) == at + after + 1) {
            after++;
        }
        return PageRun.of(before, after);
    }

    /** {@code swap_pager_unswapped} */
    @Override
    public void pageUnswapped(Page page) {
        @Nullable LocationMap map = SwapMaps.of(page);
        if (map != null) {
            maps.remove(map, page.pindex());
        }
    }
}
