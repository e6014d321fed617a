// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.kern.SleepQueue;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerStatus;
import penumbra.vm.pager.StoreEntry.State;

/**
 * The stores that swapped pages are kept in, and what state each is in ({@code swtailq} and what hangs on it).
 *
 * <p>No call of a provider is made under the lock of this class, which is a leaf. Whoever holds a run of slots or makes
 * a transfer counts as in flight, and no provider leaves before its count is 0. Thread-safe.
 */
final class StoreTable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreTable.class);

    /** How often a wait for calls under way looks whether the machine was halted in one of them. */
    private static final long HALT_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Guards all entries, and {@link #figures}. */
    final KernelLock lock = new KernelLock(LockRank.LEAF, "swap stores");

    final SlotFigures figures;

    private final Machine machine;
    private final SleepQueue sleepQueue;
    private final MapList maps;

    /** In order of attachment. */
    private final List<StoreEntry> entries = new ArrayList<>();

    /** The same by number; index 0 is nobody's. */
    private volatile @Nullable StoreEntry[] byNumber = new @Nullable StoreEntry[2];

    private volatile StoreTiers tiers = StoreTiers.NONE;
    private volatile boolean closed;

    /**
     * A table without stores.
     *
     * @param maps where the used slots of a store are found
     */
    StoreTable(Machine machine, MapList maps) {
        this.machine = machine;
        this.sleepQueue = machine.sleepQueue();
        this.figures = new SlotFigures(machine.fidelity());
        this.maps = maps;
    }

    // Entries; the lock is held

    @Nullable
    StoreEntry find(String identity) {
        for (StoreEntry entry : entries) {
            if (entry.identity.equals(identity)) {
                return entry;
            }
        }
        return null;
    }

    @Nullable
    StoreEntry find(BackingStore store) {
        for (StoreEntry entry : entries) {
            if (entry.store == store) {
                return entry;
            }
        }
        return null;
    }

    void enter(StoreEntry entry) {
        int number = 1;
        while (number < byNumber.length && byNumber[number] != null) {
            number++;
        }
        if (number > Location.MAX_STORE) {
            throw new KernelPanic("swap stores: %d at once", number);
        }
        @Nullable StoreEntry[] grown = new @Nullable StoreEntry[Math.max(byNumber.length, number + 1)];
        System.arraycopy(byNumber, 0, grown, 0, byNumber.length);
        grown[number] = entry;
        entry.number = number;
        byNumber = grown;
        entries.add(entry);
    }

    void remove(StoreEntry entry) {
        if (entries.remove(entry)) {
            @Nullable StoreEntry[] rest = byNumber.clone();
            rest[entry.number] = null;
            byNumber = rest;
        }
    }

    void setState(StoreEntry entry, State state) {
        boolean counted = entry.state.counts();
        entry.state = state;
        if (counted && !state.counts()) {
            figures.subtract(entry);
        } else if (!counted && state.counts()) {
            figures.add(entry);
        }
        tiers = StoreTiers.of(entries);
        sleepQueue.wakeup(entry);
    }

    /** Waits until nobody is in a call of the provider, or holds a run of it. */
    void awaitIdle(StoreEntry entry) {
        while (entry.inFlight > 0 && machine.panic() == null) {
            sleepQueue.sleepAndDrop(entry, lock, "swpidl", HALT_CHECK_NANOS);
            lock.lock();
        }
    }

    /** Forgets a store that has left, if nothing waits for its return. */
    void forgetIfLeft(StoreEntry entry) {
        if (entry.state == State.PARKED && entry.isEmpty() && entry.freedMeanwhile == null) {
            remove(entry);
        }
    }

    /** All entries, in order of attachment. */
    List<StoreEntry> all() {
        return entries;
    }

    // The order in which stores are asked for space; no lock

    StoreTiers tiers() {
        return tiers;
    }

    /** Whether there is a store that takes new pages. */
    boolean present() {
        return !tiers.isEmpty();
    }

    /** Stops new pages from going to the store ({@code SW_CLOSING}). No lock is held. */
    void close(StoreEntry entry) {
        lock.lock();
        if (entry.state.counts()) {
            setState(entry, State.CLOSING);
        }
        lock.unlock();
    }

    // Swapoff; no lock is held

    /** Marks a store as being swapped off; null when it is not in use, or being swapped off already. */
    @Nullable
    StoreEntry beginSwapOff(BackingStore store) {
        lock.lock();
        @Nullable StoreEntry entry = find(store);
        boolean begun = entry != null && !entry.swappingOff && entry.state != State.PARKED;
        if (begun && entry != null) {
            entry.swappingOff = true;
        }
        lock.unlock();
        return begun ? entry : null;
    }

    /** Ends a swapoff that left pages behind. */
    void endSwapOff(StoreEntry entry) {
        lock.lock();
        entry.swappingOff = false;
        lock.unlock();
    }

    /** Forgets a closing store if nothing is in it and nobody is about to put something there, and tells it so. */
    boolean retireIfEmpty(StoreEntry entry) {
        lock.lock();
        boolean empty = entry.isEmpty() && entry.state == State.CLOSING;
        if (empty) {
            remove(entry);
        }
        lock.unlock();
        if (empty) {
            retire(entry);
        }
        return empty;
    }

    /**
     * Waits until the store's state changes, a slot of a store that takes no pages is freed, or {@code nanos} are over.
     */
    void pause(StoreEntry entry, long nanos) {
        lock.lock();
        sleepQueue.sleepAndDrop(entry, lock, "swpoff", nanos);
    }

    State state(StoreEntry entry) {
        lock.lock();
        State state = entry.state;
        lock.unlock();
        return state;
    }

    /** Whether calls of the provider are under way, or runs held. */
    boolean busy(StoreEntry entry) {
        lock.lock();
        boolean busy = entry.inFlight > 0;
        lock.unlock();
        return busy;
    }

    /** How many slots of the store are used. */
    long used(StoreEntry entry) {
        lock.lock();
        long used = entry.used;
        lock.unlock();
        return used;
    }

    /** Counts pages that a drain has moved. No lock is held. */
    void moved(StoreEntry entry, int pages) {
        lock.lock();
        entry.moved += pages;
        lock.unlock();
    }

    // The end

    /**
     * Forgets every store and tells each that its pages are gone; for the end of all maps. No lock is held. May block.
     */
    void retireAll() {
        closed = true;
        if (machine.panic() != null) {
            // Whoever met the panic may have kept any lock.
            for (@Nullable StoreEntry entry : byNumber) {
                if (entry != null && entry.state != State.PARKED) {
                    retire(entry);
                }
            }
            return;
        }
        for (BackingStore store : stores()) {
            @Nullable StoreEntry entry = beginSwapOff(store);
            if (entry != null) {
                close(entry);
                lock.lock();
                awaitIdle(entry);
                remove(entry);
                lock.unlock();
                retire(entry);
            }
        }
    }

    /** Whether {@link #retireAll} was called. */
    boolean closed() {
        return closed;
    }

    private static void retire(StoreEntry entry) {
        try {
            entry.store.retire();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("swap store {} threw as it was retired", entry, e);
        }
    }

    // Calls of providers

    /** The store of a location, which the caller keeps from vanishing: by an entry in a map, or by a run it holds. */
    StoreEntry entry(long location) {
        @Nullable StoreEntry entry = find(location);
        if (entry == null) {
            throw new KernelPanic("swap stores: location %#x names no store", location);
        }
        return entry;
    }

    /** The store of a location that may have been freed meanwhile; null when the store is gone. */
    @Nullable
    StoreEntry find(long location) {
        int number = Location.store(location);
        @Nullable StoreEntry[] all = byNumber;
        return number < all.length ? all[number] : null;
    }

    /**
     * Keeps the provider of {@code entry} from leaving until {@link #leave(StoreEntry)}; waits for one that is away.
     *
     * @param nanos how long to wait at most
     * @return false when it is still away
     */
    boolean stay(StoreEntry entry, long nanos) {
        long deadline = System.nanoTime() + nanos;
        lock.lock();
        while (entry.state == State.PARKED) {
            long left = nanos == 0 ? 0 : deadline - System.nanoTime();
            if (left <= 0) {
                lock.unlock();
                return false;
            }
            sleepQueue.sleepAndDrop(entry, lock, "swpark", left);
            lock.lock();
        }
        entry.inFlight++;
        lock.unlock();
        return true;
    }

    /** Ends a {@link #stay}. */
    void leave(StoreEntry entry) {
        lock.lock();
        if (--entry.inFlight == 0 && entry.state != State.ACTIVE) {
            sleepQueue.wakeup(entry);
            forgetIfLeft(entry);
        }
        lock.unlock();
    }

    // Figures

    /** Whether pages wait for a store that left less than {@code nanos} ago. */
    boolean awaitsReturn(long nanos) {
        lock.lock();
        boolean awaits = false;
        for (StoreEntry entry : entries) {
            awaits |= entry.leaving || entry.state == State.PARKED && System.nanoTime() - entry.leftAt < nanos;
        }
        lock.unlock();
        return awaits;
    }

    /** The providers that are there, those that take new pages first, the highest ranking first. */
    List<BackingStore> stores() {
        List<BackingStore> stores = new ArrayList<>();
        lock.lock();
        for (StoreTiers.Tier tier : tiers.tiers()) {
            tier.forEach(entry -> stores.add(entry.store));
        }
        for (StoreEntry entry : entries) {
            if (entry.state == State.CLOSING) {
                stores.add(entry.store);
            }
        }
        lock.unlock();
        return stores;
    }

    /** The entries of this moment, for checks. */
    List<StoreEntry> entries() {
        lock.lock();
        List<StoreEntry> copy = List.copyOf(entries);
        lock.unlock();
        return copy;
    }

    /** One line for each store. */
    List<PagerStatus> status() {
        List<PagerStatus> lines = new ArrayList<>();
        for (StoreEntry entry : entries()) {
            long objects = maps.holdings().of(entry.number).snapshot().stream()
                    .map(share -> share.map)
                    .distinct()
                    .count();
            lock.lock();
            lines.add(new PagerStatus(
                    "swap",
                    entry.name,
                    entry.ranking,
                    objects,
                    entry.used,
                    entry.inFlight,
                    entry.state.name().toLowerCase(Locale.ROOT),
                    entry.moved));
            lock.unlock();
        }
        return lines;
    }
}
