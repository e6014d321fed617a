// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.pager.BackingStore;

/** One store as the {@link StoreTable} keeps it, whose lock guards the fields that change. */
final class StoreEntry {
    enum State {
        /** Takes new pages. */
        ACTIVE,
        /** Takes new pages when no active store has room. */
        CANDIDATE,
        /** What it holds is moved to the others; takes new pages only when none of those does. */
        DRAINING,
        /**
         * Takes no new pages: being swapped off, leaving, or found to break its contract. What it holds can be read.
         */
        CLOSING,
        /** Its provider is away; what it holds waits for it. */
        PARKED;

        /** Whether its slots count as swap space. */
        boolean counts() {
            return this == ACTIVE || this == CANDIDATE || this == DRAINING;
        }
    }

    final String name;
    final String identity;
    final long capacity;

    /** Slots that can never be allocated, such as a header's. */
    final long unusable;

    /** What {@link Location#store} says; 0 while not in the table. */
    int number;

    /** The provider; the last one while parked. */
    BackingStore store;

    int ranking;
    State state = State.CLOSING;

    /** Slots allocated and not freed. */
    long used;

    /** Calls of the provider under way, and runs that are not in the maps or not written yet. */
    int inFlight;

    /** Writes that failed since one was made; not under the lock. */
    final AtomicInteger failedWrites = new AtomicInteger();

    /** Whether a swapoff works on it. */
    boolean swappingOff;

    /** How many threads move its pages to other stores. */
    int movers;

    /** Locations that the drain under way, or the last one, could not read, and passes over; not under the lock. */
    final Set<Long> unreadable = ConcurrentHashMap.newKeySet();

    /** Pages that the drain under way, or the last one, has moved. */
    long moved;

    /**
     * Whether the provider is on its way out, and pages are moved elsewhere before they have to wait for its return.
     */
    boolean leaving;

    /** When the provider left, by {@link System#nanoTime}; of a parked store only. */
    long leftAt;

    /** Slots freed while the provider is being re-attached; null otherwise. */
    @Nullable
    LongList freedMeanwhile;

    /** The entry of a fresh store; asks the provider who it is. */
    StoreEntry(BackingStore store, int ranking) {
        this.store = store;
        this.ranking = ranking;
        this.name = store.name();
        this.identity = store.identity();
        this.capacity = store.capacity();
        this.unusable = capacity - store.available();
    }

    /** Slots that could be allocated if it took new pages. */
    long free() {
        return capacity - unusable - used;
    }

    /** Whether nothing is in it and nobody is about to put something there. */
    boolean isEmpty() {
        return used == 0 && inFlight == 0;
    }

    @Override
    public String toString() {
        return name + " (" + identity + ")";
    }
}
