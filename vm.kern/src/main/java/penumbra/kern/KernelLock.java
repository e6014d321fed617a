// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.concurrent.locks.AbstractQueuedLongSynchronizer;

/**
 * A mutual exclusion lock with a {@link LockRank}, watched by the {@link Witness} when that is on.
 *
 * <p>Not recursive: a thread that takes a lock it holds panics. Not fair. An uncontended pair of
 * {@link #lock()}/{@link #unlock()} is one compare-and-set and one volatile write. Most locks are held for less time
 * than it takes to put a thread to sleep, so whoever finds one taken looks again for a moment first, as adaptive mutexes
 * do. Its owner is a number and no reference, so that a collector need not be told of it.
 */
public final class KernelLock extends Apart {
    /** Looks at a lock that is taken before a thread sleeps: some microseconds; no use where its owner cannot run. */
    private static final int LOOKS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 1;

    private final LockRank rank;
    private final String name;
    private final Sync sync = new Sync();

    /**
     * A free lock.
     *
     * @param rank its place in the lock order
     * @param name what it guards, for messages: {@code "vm object"}
     */
    public KernelLock(LockRank rank, String name) {
        this.rank = rank;
        this.name = name;
    }

    /** The place of this lock in the lock order. */
    public LockRank rank() {
        return rank;
    }

    /** Takes the lock; waits uninterruptibly until it is free. */
    public void lock() {
        long thread = caller();
        if (sync.heldBy(thread)) {
            throw new KernelPanic(
                    "lock: recursion on %s by %s", this, Thread.currentThread().getName());
        }
        if (Witness.ON) {
            Witness.beforeLock(this);
        }
        if (!sync.takeSoon(thread)) {
            sync.acquire(thread);
        }
        if (Witness.ON) {
            Witness.afterLock(this);
        }
    }

    /**
     * Takes the lock if it is free; never waits, so it may go against the lock order.
     *
     * @return whether the caller now holds it
     */
    public boolean tryLock() {
        long thread = caller();
        if (sync.heldBy(thread)) {
            throw new KernelPanic(
                    "tryLock: recursion on %s by %s",
                    this, Thread.currentThread().getName());
        }
        boolean taken = sync.tryAcquire(thread);
        if (Witness.ON && taken) {
            Witness.afterLock(this);
        }
        return taken;
    }

    /** Releases the lock; panics when the caller does not hold it. */
    public void unlock() {
        long thread = caller();
        if (!sync.heldBy(thread)) {
            throw new KernelPanic(
                    "unlock: %s is not held by %s", this, Thread.currentThread().getName());
        }
        if (Witness.ON) {
            Witness.beforeUnlock(this);
        }
        sync.release(thread);
    }

    /** Whether the calling thread holds the lock. */
    public boolean isHeld() {
        return sync.heldBy(caller());
    }

    /** Panics unless the calling thread holds the lock (FreeBSD's {@code VM_OBJECT_ASSERT_WLOCKED} and its like). */
    public void assertHeld() {
        if (!sync.heldBy(caller())) {
            throw new KernelPanic(
                    "assertHeld: %s is not held by %s",
                    this, Thread.currentThread().getName());
        }
    }

    /** Panics when the calling thread holds the lock. */
    public void assertNotHeld() {
        if (sync.heldBy(caller())) {
            throw new KernelPanic(
                    "assertNotHeld: %s is held by %s",
                    this, Thread.currentThread().getName());
        }
    }

    @Override
    public String toString() {
        return name + " lock (" + rank + ")@" + Integer.toHexString(System.identityHashCode(this));
    }

    private static long caller() {
        return Thread.currentThread().getId();
    }

    /** Free while its state is 0; otherwise that is the id of the thread that holds it. */
    private static final class Sync extends AbstractQueuedLongSynchronizer {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean tryAcquire(long thread) {
            return getState() == 0 && compareAndSetState(0, thread);
        }

        @Override
        protected boolean tryRelease(long thread) {
            setState(0);
            return true;
        }

        /** Looks for a moment whether the lock gets free; returns whether the caller now holds it. */
        boolean takeSoon(long thread) {
            for (int looks = 0; looks < LOOKS; looks++) {
                if (tryAcquire(thread)) {
                    return true;
                }
                Thread.onSpinWait();
            }
            return false;
        }

        boolean heldBy(long thread) {
            return getState() == thread;
        }
    }
}
