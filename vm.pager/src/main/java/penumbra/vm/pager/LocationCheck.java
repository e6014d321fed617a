// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.object.ObjectType;
import penumbra.pager.SwapSpace;

/**
 * Checks that each used slot has exactly one owner and each version one slot, that the stores agree on how many there
 * are, and that every count equals what is counted.
 */
final class LocationCheck implements InvariantCheck {
    private final MapList list;
    private final StoreTable stores;
    private final SwapLedger ledger;

    LocationCheck(MapList list, StoreTable stores, SwapLedger ledger) {
        this.list = list;
        this.stores = stores;
        this.ledger = ledger;
    }

    @Override
    public String name() {
        return "swap locations";
    }

    @Override
    public void check(Violations violations) {
        Map<Long, String> owners = new HashMap<>();
        checkShares(violations);
        Map<Integer, Long> versions = new HashMap<>();
        Map<Integer, Long> used = new HashMap<>();
        for (LocationMap map : list.snapshot()) {
            map.object.lock().lock();
            check(map, owners, versions, used, violations);
            map.object.lock().unlock();
        }
        for (StoreEntry entry : stores.entries()) {
            long entries = used.getOrDefault(entry.number, 0L);
            if (entries != stores.used(entry)) {
                violations.report("store %s: %d slots used, %d in location maps", entry, stores.used(entry), entries);
            }
            if (entry.state != StoreEntry.State.PARKED
                    && entry.store.available() != entry.capacity - entry.unusable - entries) {
                violations.report(
                        "store %s: %d slots available of %d with %d in location maps",
                        entry, entry.store.available(), entry.capacity, entries);
            }
        }
        if (ledger.reserved() != ledger.sumOfUsers()) {
            violations.report(
                    "swap reservations: %d bytes in all, users have %d", ledger.reserved(), ledger.sumOfUsers());
        }
    }

    /** Each block counts in each store what it has there. */
    private void checkShares(Violations violations) {
        for (StoreEntry entry : stores.entries()) {
            for (Share share : list.holdings().of(entry.number).snapshot()) {
                share.map.object.lock().lock();
                int pages = 0;
                for (int i = 0; i < MapBlock.PAGES; i++) {
                    pages += Location.store(share.block.location(i)) == entry.number ? 1 : 0;
                }
                if (pages != share.pages || pages == 0) {
                    violations.report(
                            "object %d pages from %d on: %d in store %s, counted %d",
                            share.map.object.id(), share.firstPage(), pages, entry, share.pages);
                }
                share.map.object.lock().unlock();
            }
        }
    }

    private static void check(
            LocationMap map,
            Map<Long, String> owners,
            Map<Integer, Long> versions,
            Map<Integer, Long> used,
            Violations violations) {
        if (map.object.type() != ObjectType.SWAP || map.object.pagerState() != map) {
            violations.report("object %d of type %s has lost its location map", map.object.id(), map.object.type());
        }
        Set<Long> blocks = new HashSet<>();
        long pages = 0;
        for (long p = map.next(0); p >= 0; p = map.next(p + 1)) {
            pages++;
            blocks.add(p / SwapSpace.BLOCK_PAGES);
            long location = map.location(p);
            used.merge(Location.store(location), 1L, Long::sum);
            String other = owners.put(location, "object " + map.object.id() + " page " + p);
            if (other != null) {
                violations.report(
                        "store %d slot %d belongs to object %d page %d and to %s",
                        Location.store(location), Location.slot(location), map.object.id(), p, other);
            }
            long stamp = map.stamp(p);
            @Nullable Long twin = stamp == Stamp.RESERVED ? null : versions.put(Stamp.version(stamp), location);
            if (twin != null) {
                violations.report(
                        "object %d page %d: version %s is also in store %d slot %d",
                        map.object.id(),
                        p,
                        Integer.toUnsignedString(Stamp.version(stamp)),
                        Location.store(twin),
                        Location.slot(twin));
            }
        }
        if (pages != map.pages() || blocks.size() != map.blocks()) {
            violations.report(
                    "object %d: counts %d pages in %d blocks, has %d in %d",
                    map.object.id(), map.pages(), map.blocks(), pages, blocks.size());
        }
    }
}
