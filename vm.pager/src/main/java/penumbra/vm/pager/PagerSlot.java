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
import penumbra.kern.LockRank;
import penumbra.kern.SleepQueue;
import penumbra.object.ObjectType;
import penumbra.pager.Pager;
import penumbra.pager.PagerStatus;

/**
 * The providers that offer to fill objects of one type: the one with the highest ranking that is not parked is active.
 * Thread-safe.
 */
final class PagerSlot {
    private static final Logger LOG = LoggerFactory.getLogger(PagerSlot.class);

    /** How often a wait for calls under way looks whether the machine was halted in one of them. */
    private static final long HALT_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final KernelLock lock = new KernelLock(LockRank.LEAF, "pager slot");
    private final ObjectType type;
    private final Machine machine;
    private final SleepQueue sleepQueue;
    private final List<Candidate> candidates = new ArrayList<>();
    private @Nullable Candidate active;

    /** The name of the provider that goes before all rankings; null for none. */
    private @Nullable String chosen;

    /** One provider. The slot's lock guards what changes. */
    static final class Candidate {
        final Pager pager;
        final String name;
        final int ranking;
        private int inFlight;
        private boolean parked;

        Candidate(Pager pager, int ranking) {
            this.pager = pager;
            this.name = pager.name();
            this.ranking = ranking;
        }
    }

    PagerSlot(ObjectType type, Machine machine) {
        this.type = type;
        this.machine = machine;
        this.sleepQueue = machine.sleepQueue();
    }

    ObjectType type() {
        return type;
    }

    /** Adds a provider; of equal ones the first stays active. */
    void add(Pager pager, int ranking) {
        Candidate candidate = new Candidate(pager, ranking);
        lock.lock();
        candidates.add(candidate);
        choose();
        lock.unlock();
    }

    /** Takes a provider away as soon as no call of it is under way. No lock is held. */
    void remove(Pager pager) {
        lock.lock();
        @Nullable Candidate leaving = null;
        for (Candidate candidate : candidates) {
            if (candidate.pager == pager) {
                leaving = candidate;
            }
        }
        if (leaving != null) {
            candidates.remove(leaving);
            choose();
            while (leaving.inFlight > 0 && machine.panic() == null) {
                sleepQueue.sleepAndDrop(leaving, lock, "pgridl", HALT_CHECK_NANOS);
                lock.lock();
            }
        }
        lock.unlock();
    }

    /**
     * Prefers the providers called {@code name} from now on, whatever their ranking; calls under way end where they
     * began.
     *
     * @return false when none is there that keeps its contract
     */
    boolean use(String name) {
        lock.lock();
        boolean there = candidates.stream().anyMatch(candidate -> !candidate.parked && candidate.name.equals(name));
        if (there) {
            chosen = name;
            choose();
        }
        lock.unlock();
        return there;
    }

    private void choose() {
        @Nullable Candidate best = null;
        for (Candidate candidate : candidates) {
            if (!candidate.parked && (best == null || isBetter(candidate, best))) {
                best = candidate;
            }
        }
        active = best;
        if (best != null) {
            sleepQueue.wakeup(this);
        }
    }

    private boolean isBetter(Candidate candidate, Candidate best) {
        boolean preferred = candidate.name.equals(chosen);
        return preferred == best.name.equals(chosen) ? candidate.ranking > best.ranking : preferred;
    }

    /** The active provider, which cannot leave before {@link #leave}; null when there is none. */
    @Nullable
    Candidate enter() {
        lock.lock();
        @Nullable Candidate candidate = active;
        if (candidate != null) {
            candidate.inFlight++;
        }
        lock.unlock();
        return candidate;
    }

    /** Like {@link #enter}, but waits {@code nanos} for a provider to come. No object is locked. */
    @Nullable
    Candidate await(long nanos) {
        long deadline = System.nanoTime() + nanos;
        lock.lock();
        while (active == null) {
            long left = nanos == 0 ? 0 : deadline - System.nanoTime();
            if (left <= 0) {
                break;
            }
            sleepQueue.sleepAndDrop(this, lock, "pgrwait", left);
            lock.lock();
        }
        @Nullable Candidate candidate = active;
        if (candidate != null) {
            candidate.inFlight++;
        }
        lock.unlock();
        return candidate;
    }

    void leave(Candidate candidate) {
        lock.lock();
        if (--candidate.inFlight == 0) {
            sleepQueue.wakeup(candidate);
        }
        lock.unlock();
    }

    /** Names a provider that broke its contract and calls it no more. */
    void park(Candidate candidate, String breach) {
        LOG.error("pager {} of {} objects {}: it is parked", candidate.name, type, breach);
        lock.lock();
        candidate.parked = true;
        choose();
        lock.unlock();
    }

    /** One line for each provider. */
    void addStatus(List<PagerStatus> lines) {
        lock.lock();
        for (Candidate candidate : candidates) {
            String state = candidate == active ? "active" : candidate.parked ? "parked" : "candidate";
            lines.add(new PagerStatus(
                    type.name().toLowerCase(Locale.ROOT),
                    candidate.name,
                    candidate.ranking,
                    0,
                    0,
                    candidate.inFlight,
                    state,
                    0));
        }
        lock.unlock();
    }
}
