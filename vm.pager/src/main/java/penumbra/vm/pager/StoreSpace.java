// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.kern.KernelPanic;
import penumbra.pager.BackingStore;
import penumbra.vm.pager.StoreEntry.State;

/**
 * The slots of all stores, taken and given back. Nothing here blocks. A store that throws as it allocates or frees, or
 * allocates nonsense, gets no new pages. Thread-safe.
 */
final class StoreSpace {
    private static final Logger LOG = LoggerFactory.getLogger(StoreSpace.class);

    private final StoreTable stores;

    StoreSpace(StoreTable stores) {
        this.stores = stores;
    }

    /**
     * Takes a run of slots from the store whose turn it is ({@code swp_pager_getswapspace}). The caller enters the run
     * into maps, makes its transfer, then calls {@link #leave}.
     *
     * @return its first location, or {@link Location#NONE}
     */
    long allocate(int count) {
        StoreTiers asked;
        long location;
        do {
            // A store that was just replaced is passed over, though there is room: only a full round says that there is
            // none.
            asked = stores.tiers();
            location = allocate(count, Set.of(), null);
        } while (location == Location.NONE && asked != stores.tiers());
        if (location == Location.NONE) {
            stores.figures.exhausted();
        }
        return location;
    }

    /**
     * Like {@link #allocate(int)}, but passes some stores over.
     *
     * @param except the stores that are not asked
     * @param source the store that the pages are moved from, for as long as it is to be emptied; null for new pages,
     *     which alone may go to stores that are being drained
     */
    long allocate(int count, Set<StoreEntry> except, @Nullable StoreEntry source) {
        for (StoreTiers.Tier tier : stores.tiers().tiers()) {
            if (tier.state == State.DRAINING && source != null) {
                continue;
            }
            for (int i = 0; i < tier.size(); i++) {
                StoreEntry entry = tier.get(i);
                long location = except.contains(entry) ? Location.NONE : allocate(entry, count, tier.state, source);
                if (location != Location.NONE) {
                    tier.passOn(entry);
                    return location;
                }
            }
            tier.restart();
        }
        return Location.NONE;
    }

    private long allocate(StoreEntry entry, int count, State expected, @Nullable StoreEntry source) {
        stores.lock.lock();
        boolean wanted = source == null || source.state == State.DRAINING || source.state == State.CLOSING;
        boolean takes = wanted && entry.state == expected;
        if (takes) {
            entry.inFlight++;
        }
        stores.lock.unlock();
        if (!takes) {
            return Location.NONE;
        }
        long slot = askFor(entry, count);
        if (slot == BackingStore.NO_SLOT) {
            stores.leave(entry);
            return Location.NONE;
        }
        stores.lock.lock();
        takes = entry.state.counts();
        if (takes) {
            entry.used += count;
            stores.figures.allocated(count);
        }
        stores.lock.unlock();
        if (takes) {
            return Location.of(entry.number, slot);
        }
        // It was closed while it was asked, and whoever waits for it to be empty must not wait for this.
        giveBack(entry, slot, count);
        stores.leave(entry);
        return Location.NONE;
    }

    private long askFor(StoreEntry entry, int count) {
        try {
            long slot = entry.store.allocate(count);
            if (slot == BackingStore.NO_SLOT || (slot >= 0 && slot + count <= entry.capacity)) {
                return slot;
            }
            LOG.error("swap store {} allocated {} slots at {} of {}", entry, count, slot, entry.capacity);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            LOG.error("swap store {} threw as it was asked for {} slots", entry, count, e);
        }
        stores.close(entry);
        return BackingStore.NO_SLOT;
    }

    /** The store of a run that the caller holds. */
    StoreEntry storeOf(long location) {
        return stores.entry(location);
    }

    /** Ends what an allocation began, for the whole run. */
    void leave(long location) {
        stores.leave(stores.entry(location));
    }

    /** Gives back {@code count} slots from {@code location} on ({@code swp_pager_freeswapspace}). */
    void free(long location, int count) {
        StoreEntry entry = stores.entry(location);
        long slot = Location.slot(location);
        stores.lock.lock();
        if (entry.used < count) {
            throw new KernelPanic("swap store %s: %d slots freed at %d, %d used", entry, count, slot, entry.used);
        }
        boolean there = entry.state != State.PARKED;
        if (there) {
            entry.inFlight++;
        } else {
            entry.used -= count;
            if (entry.freedMeanwhile != null) {
                entry.freedMeanwhile.addRun(slot, count);
            }
            stores.forgetIfLeft(entry);
        }
        stores.lock.unlock();
        if (!there) {
            return;
        }
        giveBack(entry, slot, count);
        stores.lock.lock();
        entry.used -= count;
        if (entry.state.counts()) {
            stores.figures.allocated(-count);
        }
        stores.lock.unlock();
        stores.leave(entry);
    }

    /** Tells a provider, which is in flight, of freed slots. */
    void giveBack(StoreEntry entry, long slot, int count) {
        try {
            entry.store.free(slot, count);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            LOG.error("swap store {} threw as {} slots at {} were freed", entry, count, slot, e);
            stores.close(entry);
        }
    }

    // Figures

    /** All slots of stores that take pages. */
    long total() {
        stores.lock.lock();
        long slots = stores.figures.total();
        stores.lock.unlock();
        return slots;
    }

    /** Slots that can be allocated. */
    long available() {
        stores.lock.lock();
        long slots = stores.figures.available();
        stores.lock.unlock();
        return slots;
    }

    /** What the original's figure says: {@link #available} and the slots that can never be allocated. */
    long availableWithUnusable() {
        stores.lock.lock();
        long slots = stores.figures.availableWithUnusable();
        stores.lock.unlock();
        return slots;
    }
}
