// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.pager.BackingStore;

/** One store as the {@link StoreTable} keeps it, whose lock guards the fields that change. */
final class StoreEntry {
    enum State {
        /** Takes new pages. */
        ACTIVE,
        /** Takes no new pages: being swapped off, or found to break its contract. What it holds can be read. */
        CLOSING,
        /** Its provider is away; what it holds waits for it. */
        PARKED
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

    /** Whether a swapoff works on it. */
    boolean swappingOff;

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

    @Override
    public String toString() {
        return name + " (" + identity + ")";
    }
}
