// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.page.Page;
import penumbra.pager.BackingStore;

/**
 * Checks that every slot still holds what was written there. A slot whose page is dirty in memory is passed over: its
 * write may have failed, and nobody is going to read it.
 */
final class ContentsCheck implements InvariantCheck {
    private final MapList list;
    private final StoreTable stores;
    private final SwapTransfers transfers;

    ContentsCheck(MapList list, StoreTable stores, SwapTransfers transfers) {
        this.list = list;
        this.stores = stores;
        this.transfers = transfers;
    }

    @Override
    public String name() {
        return "swap contents";
    }

    @Override
    public void check(Violations violations) {
        for (LocationMap map : list.snapshot()) {
            long pindex = nextClean(map, 0);
            while (pindex >= 0) {
                check(map, pindex, violations);
                pindex = nextClean(map, pindex + 1);
            }
        }
    }

    /** The next page from {@code from} on that has contents in a store that is there, and no newer ones in memory. */
    private long nextClean(LocationMap map, long from) {
        map.object.lock().lock();
        long p = map.next(from);
        while (p >= 0 && !counts(map, p)) {
            p = map.next(p + 1);
        }
        map.object.lock().unlock();
        return p;
    }

    private boolean counts(LocationMap map, long pindex) {
        long location = map.readable(pindex);
        return location != Location.NONE
                && stores.entry(location).state != StoreEntry.State.PARKED
                && !newerInMemory(map, pindex);
    }

    private static boolean newerInMemory(LocationMap map, long pindex) {
        @Nullable Page page = map.object.pages().lookup(pindex);
        return page != null && page.dirty() != 0;
    }

    private void check(LocationMap map, long pindex, Violations violations) {
        long location = map.location(pindex);
        try {
            if (!transfers.holds(stores.entry(location).store, location, map.stamp(pindex))) {
                violations.report("%s", wrong(map, pindex, location));
            }
        } catch (IOException e) {
            violations.report(
                    "object %d page %d: store %s slot %d cannot be read: %s",
                    map.object.id(), pindex, stores.entry(location), Location.slot(location), e.getMessage());
        }
    }

    private String wrong(LocationMap map, long pindex, long location) {
        return String.format(
                "object %d page %d: store %s slot %d does not hold version %s",
                map.object.id(),
                pindex,
                stores.entry(location),
                Location.slot(location),
                Integer.toUnsignedString(Stamp.version(map.stamp(pindex))));
    }

    /**
     * Looks whether a store that has come back still holds all that waits for it. No lock is held; reads all of it.
     *
     * @return the first slot that does not hold its page, in words; null when all do
     */
    @Nullable
    String damage(BackingStore returned, StoreBlocks blocks) throws IOException {
        for (Share share : blocks.snapshot()) {
            for (long p = share.firstPage(); p < share.firstPage() + MapBlock.PAGES; p++) {
                long stamp = waitingStamp(share, p);
                if (stamp != Stamp.RESERVED) {
                    long location = share.map.location(p);
                    if (!transfers.holds(returned, location, stamp) && waitingStamp(share, p) == stamp) {
                        return wrong(share.map, p, location);
                    }
                }
            }
        }
        return null;
    }

    /** The stamp of a page whose only contents are in the share's store; {@link Stamp#RESERVED} for any other page. */
    private static long waitingStamp(Share share, long pindex) {
        LocationMap map = share.map;
        map.object.lock().lock();
        boolean waits = SwapMaps.of(map.object) == map
                && Location.store(map.location(pindex)) == share.store
                && !newerInMemory(map, pindex);
        long stamp = waits ? map.stamp(pindex) : Stamp.RESERVED;
        map.object.lock().unlock();
        return stamp;
    }
}
