// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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

/**
 * The stores that swapped pages are kept in, and the space in them ({@code swtailq} and what hangs on it).
 *
 * <p>No call of a provider is made under the lock of this class, which is a leaf. An exception out of a provider is an I/O
 * error at most; one that breaks its contract gets no new pages. Whoever holds a run or makes a transfer counts as in
 * flight, and no provider leaves before its count is 0. Thread-safe.
 */
final class StoreTable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreTable.class);

    /** Below so many free slots the stores count as almost full ({@code nswap_lowat}). */
    static final int LOW_WATER = 128;

    /** Above so many free slots they do not any more ({@code nswap_hiwat}). */
    static final int HIGH_WATER = 512;

    private final KernelLock lock = new KernelLock(LockRank.LEAF, "swap stores");
    /** How often a wait for calls under way looks whether the machine was halted in one of them. */
    private static final long HALT_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Machine machine;
    private final SleepQueue sleepQueue;
    private final MapList maps;

    /** In order of attachment. */
    private final List<StoreEntry> entries = new ArrayList<>();

    /** The same by number; index 0 is nobody's. */
    private volatile @Nullable StoreEntry[] byNumber = new @Nullable StoreEntry[2];

    private volatile StoreTiers tiers = StoreTiers.NONE;
    private long total;
    private long available;

    /** Slots of active stores that none can allocate; the original counts them as free when it compares. */
    private long unusable;

    private volatile boolean closed;
    private volatile boolean almostFull = true;
    private volatile boolean full = true;

    /**
     * A table without stores.
     *
     * @param maps where the used slots of a store that returns are found
     */
    StoreTable(Machine machine, MapList maps) {
        this.machine = machine;
        this.sleepQueue = machine.sleepQueue();
        this.maps = maps;
    }

    // Stores come and go

    /**
     * Takes a store into use ({@code swapon}): a new one; one whose pages wait for it, known by its identity; or one that
     * was closed and is to take new pages again. No lock is held. May block.
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
        lock.lock();
        @Nullable StoreEntry known = find(identity);
        boolean returns = known != null && known.state == StoreEntry.State.PARKED && known.freedMeanwhile == null;
        boolean again =
                known != null && known.state == StoreEntry.State.CLOSING && known.store == store && !known.swappingOff;
        if (known != null && returns) {
            known.freedMeanwhile = new LongList();
        } else if (known != null && again) {
            open(known);
        }
        lock.unlock();
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
        lock.lock();
        boolean unknown = find(fresh.identity) == null;
        if (unknown) {
            enter(fresh);
            open(fresh);
        }
        lock.unlock();
        return unknown;
    }

    private void reattach(StoreEntry entry, BackingStore store, int ranking) throws IOException {
        LongList used = usedSlots(entry.number);
        boolean accepted = false;
        try {
            if (store.capacity() != entry.capacity) {
                throw new IOException(
                        entry + " left with " + entry.capacity + " slots and came back with " + store.capacity());
            }
            store.reattach(used::forEach);
            accepted = true;
        } finally {
            LongList freed = endReturn(entry, store, ranking, accepted);
            freed.forEach(slot -> {
                if (used.contains(slot)) {
                    giveBack(entry, slot, 1);
                }
            });
            if (accepted) {
                leave(entry);
            }
        }
    }

    /** Opens an entry whose store has returned, which then is in flight; returns what was freed meanwhile. */
    private LongList endReturn(StoreEntry entry, BackingStore store, int ranking, boolean accepted) {
        lock.lock();
        LongList freed = Objects.requireNonNull(entry.freedMeanwhile);
        entry.freedMeanwhile = null;
        if (accepted) {
            entry.store = store;
            entry.ranking = ranking;
            entry.inFlight++;
            open(entry);
            sleepQueue.wakeup(entry);
        } else {
            freed = new LongList();
            forgetIfLeft(entry);
        }
        lock.unlock();
        return freed;
    }

    private LongList usedSlots(int number) {
        LongList slots = new LongList();
        for (LocationMap map : maps.snapshot()) {
            map.lock().lock();
            for (long p = map.nextOn(number, 0); p >= 0; p = map.nextOn(number, p + 1)) {
                slots.add(Location.slot(map.location(p)));
            }
            map.lock().unlock();
        }
        slots.sort();
        return slots;
    }

    /**
     * Lets a provider go: waits for the calls under way, then parks what it holds. No lock is held. Does nothing when the
     * store is not in use.
     */
    void detach(BackingStore store) {
        if (closed) {
            return;
        }
        lock.lock();
        @Nullable StoreEntry entry = find(store);
        if (entry != null && entry.state != StoreEntry.State.PARKED) {
            close(entry);
            entry.state = StoreEntry.State.PARKED;
            sleepQueue.wakeup(entry);
            awaitIdle(entry);
            forgetIfLeft(entry);
            if (entry.used > 0) {
                LOG.warn("swap store {} has left; {} pages wait for it", entry, entry.used);
            }
        }
        lock.unlock();
    }

    /** Forgets every store and tells each that its pages are gone; for the end of all maps. No lock is held. May block. */
    void retireAll() {
        closed = true;
        if (machine.panic() != null) {
            // Whoever met the panic may have kept any lock.
            for (@Nullable StoreEntry entry : byNumber) {
                if (entry != null && entry.state != StoreEntry.State.PARKED) {
                    retire(entry);
                }
            }
            return;
        }
        for (BackingStore store : stores()) {
            @Nullable StoreEntry entry = beginSwapOff(store);
            if (entry != null) {
                close(entry.store);
                lock.lock();
                awaitIdle(entry);
                remove(entry);
                lock.unlock();
                retire(entry);
            }
        }
    }

    /** Marks a store as being swapped off; null when it is not in use, or being swapped off already. */
    @Nullable
    StoreEntry beginSwapOff(BackingStore store) {
        lock.lock();
        @Nullable StoreEntry entry = find(store);
        boolean begun = entry != null && !entry.swappingOff && entry.state != StoreEntry.State.PARKED;
        if (begun && entry != null) {
            entry.swappingOff = true;
        }
        lock.unlock();
        return begun ? entry : null;
    }

    /** Stops new pages from going to the store ({@code SW_CLOSING}). */
    void close(BackingStore store) {
        lock.lock();
        @Nullable StoreEntry entry = find(store);
        if (entry != null) {
            close(entry);
        }
        lock.unlock();
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
        boolean empty = entry.used == 0 && entry.inFlight == 0 && entry.state == StoreEntry.State.CLOSING;
        if (empty) {
            remove(entry);
        }
        lock.unlock();
        if (empty) {
            retire(entry);
        }
        return empty;
    }

    /** Waits until a slot of a closing store is freed, {@code nanos} at most. */
    void pause(StoreEntry entry, long nanos) {
        lock.lock();
        sleepQueue.sleepAndDrop(entry, lock, "swpoff", nanos);
    }

    /** Whether the store is on its way out, its provider still there. */
    boolean closing(StoreEntry entry) {
        lock.lock();
        boolean closing = entry.state == StoreEntry.State.CLOSING;
        lock.unlock();
        return closing;
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

    private static void retire(StoreEntry entry) {
        try {
            entry.store.retire();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("swap store {} threw as it was retired", entry, e);
        }
    }

    private void awaitIdle(StoreEntry entry) {
        while (entry.inFlight > 0 && machine.panic() == null) {
            sleepQueue.sleepAndDrop(entry, lock, "swpidl", HALT_CHECK_NANOS);
            lock.lock();
        }
    }

    private void forgetIfLeft(StoreEntry entry) {
        if (entry.state == StoreEntry.State.PARKED
                && entry.used == 0
                && entry.inFlight == 0
                && entry.freedMeanwhile == null) {
            remove(entry);
        }
    }

    private void open(StoreEntry entry) {
        entry.state = StoreEntry.State.ACTIVE;
        total += entry.capacity;
        available += entry.free();
        unusable += entry.unusable;
        rank();
        checkMarks();
    }

    private void close(StoreEntry entry) {
        if (entry.state != StoreEntry.State.ACTIVE) {
            return;
        }
        entry.state = StoreEntry.State.CLOSING;
        total -= entry.capacity;
        available -= entry.free();
        unusable -= entry.unusable;
        rank();
        if (tiers.isEmpty()) {
            full = true;
            almostFull = true;
        }
    }

    private void rank() {
        tiers = StoreTiers.of(entries.stream()
                .filter(entry -> entry.state == StoreEntry.State.ACTIVE)
                .toList());
    }

    private void enter(StoreEntry entry) {
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

    private void remove(StoreEntry entry) {
        if (entries.remove(entry)) {
            @Nullable StoreEntry[] rest = byNumber.clone();
            rest[entry.number] = null;
            byNumber = rest;
        }
    }

    private @Nullable StoreEntry find(String identity) {
        for (StoreEntry entry : entries) {
            if (entry.identity.equals(identity)) {
                return entry;
            }
        }
        return null;
    }

    private @Nullable StoreEntry find(BackingStore store) {
        for (StoreEntry entry : entries) {
            if (entry.store == store) {
                return entry;
            }
        }
        return null;
    }

    // Space; never blocks

    /**
     * Takes a run of slots from the store whose turn it is ({@code swp_pager_getswapspace}). The caller enters the run into
     * maps, makes its transfer, then calls {@link #leave(long)}.
     *
     * @return its first location, or {@link Location#NONE}
     */
    long allocate(int count) {
        for (StoreTiers.Tier tier : tiers.tiers()) {
            for (int i = 0; i < tier.size(); i++) {
                StoreEntry entry = tier.get(i);
                long location = allocate(entry, count);
                if (location != Location.NONE) {
                    tier.passOn(entry);
                    return location;
                }
            }
            tier.restart();
        }
        full = true;
        almostFull = true;
        return Location.NONE;
    }

    private long allocate(StoreEntry entry, int count) {
        lock.lock();
        boolean active = entry.state == StoreEntry.State.ACTIVE;
        if (active) {
            entry.inFlight++;
        }
        lock.unlock();
        if (!active) {
            return Location.NONE;
        }
        long slot = askFor(entry, count);
        if (slot == BackingStore.NO_SLOT) {
            leave(entry);
            return Location.NONE;
        }
        lock.lock();
        entry.used += count;
        if (entry.state == StoreEntry.State.ACTIVE) {
            available -= count;
            checkMarks();
        }
        lock.unlock();
        return Location.of(entry.number, slot);
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
        close(entry.store);
        return BackingStore.NO_SLOT;
    }

    /** Ends what {@link #allocate(int)} began, for the whole run. */
    void leave(long location) {
        leave(entry(location));
    }

    /** Gives back {@code count} slots from {@code location} on ({@code swp_pager_freeswapspace}). */
    void free(long location, int count) {
        StoreEntry entry = entry(location);
        long slot = Location.slot(location);
        lock.lock();
        if (entry.used < count) {
            throw new KernelPanic("swap store %s: %d slots freed at %d, %d used", entry, count, slot, entry.used);
        }
        boolean there = entry.state != StoreEntry.State.PARKED;
        if (there) {
            entry.inFlight++;
        } else {
            entry.used -= count;
            if (entry.freedMeanwhile != null) {
                entry.freedMeanwhile.addRun(slot, count);
            }
            forgetIfLeft(entry);
        }
        lock.unlock();
        if (!there) {
            return;
        }
        giveBack(entry, slot, count);
        lock.lock();
        entry.used -= count;
        if (entry.state == StoreEntry.State.ACTIVE) {
            available += count;
            checkMarks();
        } else {
            sleepQueue.wakeup(entry);
        }
        lock.unlock();
        leave(entry);
    }

    private void giveBack(StoreEntry entry, long slot, int count) {
        try {
            entry.store.free(slot, count);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            LOG.error("swap store {} threw as {} slots at {} were freed", entry, count, slot, e);
            close(entry.store);
        }
    }

    /** Sets and clears the marks ({@code swp_sizecheck}). */
    private void checkMarks() {
        if (available + unusable < LOW_WATER) {
            almostFull = true;
        } else {
            full = false;
            if (available + unusable > HIGH_WATER) {
                almostFull = false;
            }
        }
    }

    // Transfers

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
        while (entry.state == StoreEntry.State.PARKED) {
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
        if (--entry.inFlight == 0 && entry.state != StoreEntry.State.ACTIVE) {
            sleepQueue.wakeup(entry);
            forgetIfLeft(entry);
        }
        lock.unlock();
    }

    // Figures

    /** All slots of active stores. */
    long total() {
        lock.lock();
        long slots = total;
        lock.unlock();
        return slots;
    }

    /** Slots of active stores that can be allocated. */
    long available() {
        lock.lock();
        long slots = available;
        lock.unlock();
        return slots;
    }

    /** What the original's figure says: {@link #available} and the slots that can never be allocated. */
    long availableWithUnusable() {
        lock.lock();
        long slots = available + unusable;
        lock.unlock();
        return slots;
    }

    boolean almostFull() {
        return almostFull;
    }

    boolean full() {
        return full;
    }

    /** Whether there is a store that takes new pages. */
    boolean present() {
        return !tiers.isEmpty();
    }

    /** The providers that are there, those that take new pages first, the highest ranking first. */
    List<BackingStore> stores() {
        List<BackingStore> stores = new ArrayList<>();
        lock.lock();
        for (StoreTiers.Tier tier : tiers.tiers()) {
            tier.forEach(entry -> stores.add(entry.store));
        }
        for (StoreEntry entry : entries) {
            if (entry.state == StoreEntry.State.CLOSING) {
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
        List<LocationMap> all = maps.snapshot();
        List<PagerStatus> lines = new ArrayList<>();
        for (StoreEntry entry : entries()) {
            long objects = all.stream().filter(map -> map.isOn(entry.number)).count();
            lock.lock();
            String state =
                    switch (entry.state) {
                        case ACTIVE -> "active";
                        case CLOSING -> "draining";
                        case PARKED -> "parked";
                    };
            lines.add(new PagerStatus("swap", entry.name, entry.ranking, objects, entry.used, entry.inFlight, state));
            lock.unlock();
        }
        return lines;
    }
}
