// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import penumbra.kern.KernelLock;

/**
 * A look at what a lock guards, without waiting for it: who panicked holds its locks for ever. Without the lock there
 * is still something to see, if perhaps half changed, and the answer is marked.
 */
final class Glance implements AutoCloseable {
    private final KernelLock lock;
    private final boolean held;
    private final boolean taken;

    private Glance(KernelLock lock) {
        this.lock = lock;
        boolean mine = lock.isHeld();
        this.taken = !mine && lock.tryLock();
        this.held = mine || taken;
    }

    /** Takes {@code lock} if it is free; a thread that holds it already looks with it, too. Close it when done. */
    static Glance at(KernelLock lock) {
        return new Glance(lock);
    }

    /** Whether the lock is held meanwhile, so that what asks for it may be called. */
    boolean held() {
        return held;
    }

    /** Whether nobody held the lock before. */
    boolean wasFree() {
        return taken;
    }

    /** What to put behind a line that was read without the lock; empty if it was not. */
    String mark() {
        return held ? "" : " (locked)";
    }

    @Override
    public void close() {
        if (taken) {
            lock.unlock();
        }
    }
}
