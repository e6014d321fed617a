// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.pager.BackingStore;
import penumbra.vm.pager.StoreEntry.State;

/** How stores come, leave, and come back to the pages that wait for them. Thread-safe; no lock is held by callers. */
final class StoreArrivals {
    private static final Logger LOG = LoggerFactory.getLogger(StoreArrivals.class);

    private final StoreTable stores;
    private final StoreSpace space;
    private final Holdings holdings;
    private final Drains drains;
    private final ContentsCheck contents;

    StoreArrivals(StoreTable stores, StoreSpace space, Holdings holdings, Drains drains, ContentsCheck contents) {
        this.stores = stores;
        this.space = space;
        this.holdings = holdings;
        this.drains = drains;
        this.contents = contents;
    }

    /**
     * Takes a store into use ({@code swapon}): a new one; one whose pages wait for it, known by its identity; or one
     * that was closed and is to take new pages again. May block.
     *
     * @return false when it is in use already or does not fit what is known of it; the log says why
     */
    boolean attach(BackingStore store, int ranking) {
        try {
            return attachKnown(store, ranking) || attachNew(store, ranking);
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.error("swap store {} cannot be used: {}", store.getClass().getName(), e.toString());
            return false;
        }
    }

    /** Takes back a store whose pages wait for it, or one that was closed; false when it is a new one. */
    private boolean attachKnown(BackingStore store, int ranking) throws IOException {
        String identity = store.identity();
        stores.lock.lock();
        @Nullable StoreEntry known = stores.find(identity);
        boolean returns = known != null && known.state == State.PARKED && known.freedMeanwhile == null;
        boolean again = known != null && known.state == State.CLOSING && known.store == store && !known.swappingOff;
        if (known != null && returns) {
            known.freedMeanwhile = new LongList();
        } else if (known != null && again) {
            stores.setState(known, State.ACTIVE);
        }
        stores.lock.unlock();
        if (known != null && !returns && !again) {
            throw new IOException(known + " is in use already");
        }
        if (known != null && returns) {
            reattach(known, store, ranking);
        }
        return known != null;
    }

    private boolean attachNew(BackingStore store, int ranking) throws IOException {
        store.reattach(visitor -> {});
        StoreEntry fresh = new StoreEntry(store, ranking);
        stores.lock.lock();
        boolean unknown = stores.find(fresh.identity) == null;
        if (unknown) {
            stores.enter(fresh);
            stores.setState(fresh, State.ACTIVE);
        }
        stores.lock.unlock();
        return unknown;
    }

    private void reattach(StoreEntry entry, BackingStore store, int ranking) throws IOException {
        LongList used = allUsedSlots(entry);
        boolean accepted = false;
        try {
            if (store.capacity() != entry.capacity) {
                throw new IOException(
                        entry + " left with " + entry.capacity + " slots and came back with " + store.capacity());
            }
            store.reattach(used::forEach);
            @Nullable String damage = contents.damage(store, holdings.of(entry.number));
            if (damage != null) {
                throw new IOException(entry + " came back damaged: " + damage + "; its pages go on waiting");
            }
            accepted = true;
        } finally {
            LongList freed = endReturn(entry, store, ranking, accepted);
            freed.forEach(slot -> {
                if (used.contains(slot)) {
                    space.giveBack(entry, slot, 1);
                }
            });
            if (accepted) {
                stores.leave(entry);
            }
        }
    }

    /** Opens an entry whose store has returned, which then is in flight; returns what was freed meanwhile. */
    private LongList endReturn(StoreEntry entry, BackingStore store, int ranking, boolean accepted) {
        stores.lock.lock();
        LongList freed = Objects.requireNonNull(entry.freedMeanwhile);
        entry.freedMeanwhile = null;
        if (accepted) {
            entry.store = store;
            entry.ranking = ranking;
            entry.inFlight++;
            stores.setState(entry, State.ACTIVE);
        } else {
            freed = new LongList();
            stores.forgetIfLeft(entry);
        }
        stores.lock.unlock();
        return freed;
    }

    /**
     * The slots of a parked store that pages wait in, with some perhaps that were freed while it looked. An entry that
     * moves from map to map meanwhile may be missed, so it looks again until all are there.
     */
    private LongList allUsedSlots(StoreEntry entry) {
        while (true) {
            LongList used = usedSlots(entry.number);
            stores.lock.lock();
            long[] owned = {used.size()};
            Objects.requireNonNull(entry.freedMeanwhile).forEach(slot -> owned[0] -= used.contains(slot) ? 1 : 0);
            boolean all = owned[0] == entry.used;
            stores.lock.unlock();
            if (all) {
                return used;
            }
        }
    }

    private LongList usedSlots(int number) {
        LongList slots = new LongList();
        for (Share share : holdings.of(number).snapshot()) {
            share.map.lock().lock();
            for (int i = 0; i < MapBlock.PAGES; i++) {
                long location = share.block.location(i);
                if (Location.store(location) == number) {
                    slots.add(Location.slot(location));
                }
            }
            share.map.lock().unlock();
        }
        slots.sort();
        return slots;
    }

    /**
     * Lets a provider go: moves what it holds elsewhere as far as time allows, waits for the calls under way, then
     * parks the rest. Does nothing when the store is not in use.
     */
    void detach(BackingStore store) {
        if (stores.closed()) {
            return;
        }
        stores.lock.lock();
        @Nullable StoreEntry entry = stores.find(store);
        boolean there = entry != null && entry.state != State.PARKED;
        if (entry != null && there) {
            stores.setState(entry, State.CLOSING);
            entry.leaving = true;
        }
        boolean drains = entry != null && there && !entry.swappingOff && !entry.isEmpty();
        stores.lock.unlock();
        if (entry == null || !there) {
            return;
        }
        if (drains) {
            this.drains.beforeLeaving(entry);
        }
        stores.lock.lock();
        entry.leaving = false;
        entry.leftAt = System.nanoTime();
        stores.setState(entry, State.PARKED);
        stores.awaitIdle(entry);
        stores.forgetIfLeft(entry);
        if (entry.state == State.PARKED && entry.used > 0) {
            LOG.warn("swap store {} has left; {} pages wait for it", entry, entry.used);
        }
        stores.lock.unlock();
    }
}
