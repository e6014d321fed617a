// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.IdentityHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.kern.Execution;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.pager.BackingStore;
import penumbra.vm.pager.StoreEntry.State;

/**
 * The draining of stores into others, at most one drain of each at a time: on two threads each, or cluster by cluster
 * in a machine that runs in steps. Thread-safe; no lock is held by callers.
 */
final class Drains {
    private static final Logger LOG = LoggerFactory.getLogger(Drains.class);

    /** Threads of one drain: while one writes, another reads. More find both disks busy. */
    private static final int MOVERS = 2;

    /** How long a drain rests that has met pages in use, unless a slot is freed before. */
    private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** In so many rounds one after the other no store had room: there is none. */
    private static final int FULL_ROUNDS = 2;

    /** After so many rounds that met nothing, slots are taken for lost. */
    private static final int MAX_EMPTY_ROUNDS = 5_000;

    private final MovingParts parts;
    private final StoreTable stores;
    private final Machine machine;
    private final boolean stepped;

    /** The drains of a machine that runs in steps. */
    private final IdentityHashMap<StoreEntry, Mover> steps = new IdentityHashMap<>();

    private volatile long leavingNanos;

    Drains(MovingParts parts, StoreTable stores, Machine machine) {
        this.parts = parts;
        this.stores = stores;
        this.machine = machine;
        this.stepped = machine.execution() == Execution.STEPPED;
    }

    /** Sets how long a store that leaves is drained; 0 for not at all, as at first. */
    void setLeavingNanos(long nanos) {
        leavingNanos = nanos;
    }

    // What operators ask for

    /** The contract is {@code SwapSpace.use}'s. */
    KernReturn use(BackingStore store) {
        stores.lock.lock();
        @Nullable StoreEntry chosen = stores.find(store);
        boolean there = chosen != null && chosen.state.counts();
        if (chosen != null && there) {
            stores.setState(chosen, State.ACTIVE);
            for (StoreEntry other : stores.all()) {
                if (other != chosen && other.state.counts()) {
                    begin(other);
                }
            }
        }
        stores.lock.unlock();
        return there ? KernReturn.SUCCESS : KernReturn.INVALID_ARGUMENT;
    }

    /** The contract is {@code SwapSpace.drain}'s. */
    KernReturn drain(BackingStore store) {
        stores.lock.lock();
        @Nullable StoreEntry entry = stores.find(store);
        KernReturn result = KernReturn.INVALID_ARGUMENT;
        if (entry != null && entry.state.counts()) {
            result = promoteAnother(entry) ? KernReturn.SUCCESS : KernReturn.RESOURCE_SHORTAGE;
            if (result.ok()) {
                begin(entry);
            }
        }
        stores.lock.unlock();
        return result;
    }

    /** Sees to it that another store than {@code entry} is active; false when there is none. */
    private boolean promoteAnother(StoreEntry entry) {
        @Nullable StoreEntry best = null;
        for (StoreEntry other : stores.all()) {
            boolean takes = other != entry && (other.state == State.ACTIVE || other.state == State.CANDIDATE);
            if (takes
                    && (best == null
                            || other.state.compareTo(best.state) < 0
                            || (other.state == best.state && other.ranking > best.ranking))) {
                best = other;
            }
        }
        if (best != null && best.state == State.CANDIDATE) {
            stores.setState(best, State.ACTIVE);
        }
        return best != null;
    }

    /** The contract is {@code SwapSpace.swapOn}'s. */
    KernReturn swapOn(BackingStore store) {
        stores.lock.lock();
        @Nullable StoreEntry entry = stores.find(store);
        boolean may = entry != null && entry.state != State.PARKED && !entry.swappingOff;
        if (entry != null && may) {
            stores.setState(entry, State.ACTIVE);
        }
        stores.lock.unlock();
        return may ? KernReturn.SUCCESS : KernReturn.INVALID_ARGUMENT;
    }

    /** Begins a drain, or lets one under way go on. The table is locked. */
    private void begin(StoreEntry entry) {
        if (entry.isEmpty() && entry.movers == 0) {
            stores.setState(entry, State.CANDIDATE);
            return;
        }
        if (entry.state != State.DRAINING) {
            entry.moved = 0;
            entry.unreadable.clear();
            stores.setState(entry, State.DRAINING);
        }
        while (entry.movers < MOVERS && !stepped) {
            entry.movers++;
            Thread thread = new Thread(() -> run(entry), "swap mover");
            thread.setDaemon(true);
            thread.start();
        }
    }

    // Threads

    private void run(StoreEntry entry) {
        try {
            Mover mover = new Mover(parts, stores, entry, false);
            int emptyRounds = 0;
            while (!stop(entry)) {
                if (!mover.step()) {
                    emptyRounds = mover.moved() > 0 ? 0 : emptyRounds + 1;
                    if (!settle(entry, mover, emptyRounds)) {
                        stores.pause(entry, REST_NANOS);
                    }
                    mover.beginRound();
                }
            }
        } catch (KernelPanic panic) {
            machine.halt(panic);
        } catch (RuntimeException | Error e) {
            LOG.error("swap mover", e);
            machine.halt(new KernelPanic(e, "swap mover: " + e));
        }
    }

    /** Whether the drain is over, for whatever reason; its thread then ends. */
    private boolean stop(StoreEntry entry) {
        if (machine.panic() != null) {
            return true;
        }
        stores.lock.lock();
        boolean stop = entry.state != State.DRAINING || stores.closed();
        if (stop) {
            entry.movers--;
            machine.sleepQueue().wakeup(this);
        }
        stores.lock.unlock();
        return stop;
    }

    /** Ends a drain that has moved all that can be moved; returns whether it is over. */
    private boolean settle(StoreEntry entry, Mover mover, int emptyRounds) {
        stores.lock.lock();
        boolean empty = entry.isEmpty();
        boolean rest = mover.moved() == 0 && mover.putOff() == 0 && entry.inFlight == 0;
        long unreadable = entry.unreadable.size();
        long left = entry.used;
        boolean all = rest && left <= unreadable;
        boolean full = rest && mover.noRoom() > 0 && emptyRounds >= FULL_ROUNDS;
        boolean lost = rest && emptyRounds > MAX_EMPTY_ROUNDS;
        boolean over = entry.state == State.DRAINING && (empty || all || full || lost);
        if (over) {
            stores.setState(entry, State.CANDIDATE);
            machine.sleepQueue().wakeup(this);
        }
        stores.lock.unlock();
        if (over && left > 0) {
            LOG.warn(
                    "swap store {}: {} pages stay in it, {} of them unreadable: {}",
                    entry,
                    left,
                    unreadable,
                    full ? "no other store has room" : lost ? "some belong to nobody" : "the others were moved");
        }
        return over;
    }

    /** Waits until no drain is under way. */
    void await() {
        if (stepped) {
            boolean more = true;
            while (more) {
                more = step();
            }
            return;
        }
        stores.lock.lock();
        while (underWay() && machine.panic() == null) {
            machine.sleepQueue().sleepAndDrop(this, stores.lock, "swpdrn", TimeUnit.MILLISECONDS.toNanos(100));
            stores.lock.lock();
        }
        stores.lock.unlock();
    }

    private boolean underWay() {
        for (StoreEntry entry : stores.all()) {
            if (entry.movers > 0 || entry.state == State.DRAINING) {
                return true;
            }
        }
        return false;
    }

    /** Ends all threads, as the machine is halted. */
    void close() {
        stores.lock.lock();
        for (StoreEntry entry : stores.all()) {
            if (entry.state == State.DRAINING) {
                stores.setState(entry, State.CANDIDATE);
            }
        }
        stores.lock.unlock();
        if (!stepped) {
            await();
        }
    }

    // Steps

    /** The contract is {@code SwapSpace.drainStep}'s. */
    boolean step() {
        if (!stepped) {
            return false;
        }
        steps.keySet().removeIf(entry -> stores.state(entry) != State.DRAINING);
        for (StoreEntry entry : stores.entries()) {
            if (entry.state == State.DRAINING && step(entry)) {
                return true;
            }
        }
        return false;
    }

    private boolean step(StoreEntry entry) {
        Mover mover = steps.computeIfAbsent(entry, fresh -> new Mover(parts, stores, fresh, false));
        boolean moved = mover.step();
        while (!moved && mover.moved() > 0) {
            mover.beginRound();
            moved = mover.step();
        }
        if (!moved) {
            settle(entry, mover, FULL_ROUNDS);
            mover.beginRound();
        }
        return moved;
    }

    // Leaving

    /** Moves what a store holds that is about to leave to others, or to memory, while time allows; it is closing. */
    void beforeLeaving(StoreEntry entry) {
        long deadline = System.nanoTime() + leavingNanos;
        if (leavingNanos == 0) {
            return;
        }
        entry.unreadable.clear();
        Mover mover = new Mover(parts, stores, entry, true);
        while (System.nanoTime() < deadline && stores.state(entry) == State.CLOSING && machine.panic() == null) {
            if (!mover.step()) {
                if (stores.used(entry) <= entry.unreadable.size()
                        || (mover.moved() == 0 && mover.putOff() == 0 && mover.noRoom() > 0)) {
                    return;
                }
                stores.pause(entry, REST_NANOS);
                mover.beginRound();
            }
        }
    }
}
