// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.page.Page;

/**
 * Checks that every slot still holds what was written there. A slot whose page is dirty in memory is passed over: its write
 * may have failed, and nobody is going to read it.
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
        @Nullable Page page = map.object.pages().lookup(pindex);
        return location != Location.NONE
                && stores.entry(location).state != StoreEntry.State.PARKED
                && (page == null || page.dirty() == 0);
    }

    private void check(LocationMap map, long pindex, Violations violations) {
        long location = map.location(pindex);
        try {
            if (!transfers.holds(location, map.stamp(pindex))) {
                violations.report(
                        "object %d page %d: store %s slot %d does not hold version %s",
                        map.object.id(),
                        pindex,
                        stores.entry(location),
                        Location.slot(location),
                        Integer.toUnsignedString(Stamp.version(map.stamp(pindex))));
            }
        } catch (IOException e) {
            violations.report(
                    "object %d page %d: store %s slot %d cannot be read: %s",
                    map.object.id(), pindex, stores.entry(location), Location.slot(location), e.getMessage());
        }
    }
}
