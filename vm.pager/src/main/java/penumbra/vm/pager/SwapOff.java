// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerResult;

/** Takes a store out of use by bringing back what it holds ({@code swapoff_one}, {@code swap_pager_swapoff}). */
final class SwapOff {
    private static final Logger LOG = LoggerFactory.getLogger(SwapOff.class);

    /** How long to wait before the maps are searched again, unless a slot is freed before ({@code hz / 20}). */
    private static final long RESCAN_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** After so many searches that found nothing, slots are taken for lost. */
    private static final int MAX_ROUNDS = 100;

    private final MapList list;
    private final SwapMaps maps;
    private final StoreTable stores;
    private final StoreSpace space;
    private final SwapPager pager;
    private final Pages pages;
    private final Fidelity fidelity;

    SwapOff(SwapMaps maps, StoreTable stores, StoreSpace space, SwapPager pager, Pages pages, Fidelity fidelity) {
        this.list = maps.list();
        this.maps = maps;
        this.stores = stores;
        this.space = space;
        this.pager = pager;
        this.pages = pages;
        this.fidelity = fidelity;
    }

    /**
     * Swaps {@code store} off. No lock is held. May block.
     *
     * @return INVALID_ARGUMENT when it is not in use or is being swapped off already; RESOURCE_SHORTAGE when memory and
     *     swap together have no room for its pages, and nothing was done; FAILURE when pages could not be read: they
     *     stay there, and the store takes no new ones
     */
    KernReturn run(BackingStore store) {
        @Nullable StoreEntry entry = stores.beginSwapOff(store);
        if (entry == null) {
            return KernReturn.INVALID_ARGUMENT;
        }
        KernReturn result = KernReturn.RESOURCE_SHORTAGE;
        if (pages.counts().available() + space.availableWithUnusable() >= entry.capacity + SlotFigures.LOW_WATER) {
            stores.close(entry);
            result = bringBack(entry) ? KernReturn.SUCCESS : KernReturn.FAILURE;
        }
        stores.endSwapOff(entry);
        return result;
    }

    /** Brings everything back; returns whether nothing is left. */
    private boolean bringBack(StoreEntry entry) {
        long before = stores.used(entry);
        int rounds = 0;
        while (true) {
            long unreadable = 0;
            for (LocationMap map : list.snapshot()) {
                unreadable += bringBack(map, entry.number);
            }
            if (stores.retireIfEmpty(entry)) {
                return true;
            }
            long left = stores.used(entry);
            boolean busy = stores.busy(entry);
            // The last slot may have been given back since the store was found to be in use.
            boolean onlyUnreadable = left > 0 && left <= unreadable && !busy;
            if (onlyUnreadable || stores.state(entry) != StoreEntry.State.CLOSING) {
                return false;
            }
            rounds = left < before || busy ? 0 : rounds + 1;
            before = left;
            if (rounds > MAX_ROUNDS) {
                LOG.error("swapoff: {} slots of store {} belong to nobody", left - unreadable, entry);
                return false;
            }
            // Runs that are not in the maps yet, objects on their way out, entries that moved past us: look again.
            stores.pause(entry, RESCAN_NANOS);
        }
    }

    private long bringBack(LocationMap map, int store) {
        long unreadable = 0;
        long from = 0;
        while (true) {
            map.lock().lock();
            long pindex = map.nextOn(store, from);
            map.lock().unlock();
            if (pindex < 0) {
                return unreadable;
            }
            if (!forcePageIn(map, pindex, store)) {
                unreadable++;
            }
            from = pindex + 1;
        }
    }

    /** Brings one page back and forgets its slot ({@code swp_pager_force_pagein}); false when it cannot be read. */
    private boolean forcePageIn(LocationMap map, long pindex, int store) {
        VmObject object = map.object;
        object.lock().lock();
        boolean done = !isOn(map, pindex, store);
        if (!done && (object.has(ObjectFlags.DEAD) || map.readable(pindex) == Location.NONE)) {
            // Nobody is going to ask for the page, or nothing was ever written there.
            maps.remove(map, pindex);
            done = true;
        }
        boolean gone = done || pageIn(map, pindex, store);
        object.lock().unlock();
        return gone;
    }

    /** Brings a page of a locked object back; may drop the lock. */
    private boolean pageIn(LocationMap map, long pindex, int store) {
        VmObject object = map.object;
        object.pipAdd(1);
        Page page = pages.grab(object, pindex, Alloc.NORMAL);
        boolean brought = page.valid() == Page.ALL;
        if (brought) {
            page.makeDirty();
            page.activate();
        } else if (isOn(map, pindex, store)) {
            brought = pager.getPages(object, new Page[] {page}, 1, 0) == PagerResult.OK;
            if (brought) {
                page.makeDirty();
                page.deactivate();
            }
        }
        object.pipWakeup(1);
        return settle(map, pindex, store, page, brought);
    }

    private boolean settle(LocationMap map, long pindex, int store, Page page, boolean brought) {
        if (brought) {
            page.xunbusy();
            maps.remove(map, pindex);
            return true;
        }
        boolean stays = isOn(map, pindex, store);
        SwapTransfers.release(pages, page);
        if (stays && !fidelity.corrected()) {
            throw new KernelPanic("swapoff: object %d page %d cannot be read", map.object.id(), pindex);
        }
        if (stays) {
            LOG.error("swapoff: object {} page {} cannot be read and stays where it is", map.object.id(), pindex);
        }
        return !stays;
    }

    private static boolean isOn(LocationMap map, long pindex, int store) {
        return SwapMaps.of(map.object) == map && Location.store(map.location(pindex)) == store;
    }
}
