// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A {@link SleepQueue} of real threads, in hashed chains as FreeBSD keeps them.
 *
 * <p>Lock order: a chain's lock comes after every other lock ({@link LockRank#LEAF}).
 */
public final class ThreadSleepQueue implements SleepQueue {
    /** FreeBSD's {@code SC_TABLESIZE}: enough chains that unrelated channels seldom meet. */
    private static final int CHAINS = 256;

    private final Chain[] chains = new Chain[CHAINS];
    private volatile @Nullable KernelPanic halted;

    /** A queue on which nobody sleeps. */
    public ThreadSleepQueue() {
        for (int i = 0; i < CHAINS; i++) {
            chains[i] = new Chain();
        }
    }

    @Override
    public void sleep(Object channel, KernelLock lock, String waitMessage) {
        block(channel, lock, waitMessage, Long.MAX_VALUE);
        lock.lock();
    }

    @Override
    public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
        block(channel, lock, waitMessage, Long.MAX_VALUE);
    }

    @Override
    public boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos) {
        return block(channel, lock, waitMessage, nanos);
    }

    private boolean block(Object channel, KernelLock lock, String waitMessage, long nanos) {
        if (Witness.ON) {
            Witness.beforeSleep(lock, waitMessage);
        }
        Chain chain = chainOf(channel);
        Sleeper sleeper = new Sleeper(channel, waitMessage);
        chain.add(sleeper);
        lock.unlock();
        boolean interrupted = false;
        long deadline = System.nanoTime() + nanos;
        // Whoever halts the machine meanwhile finds the sleeper in its chain.
        while (!sleeper.woken && halted == null) {
            if (nanos == Long.MAX_VALUE) {
                LockSupport.park(channel);
            } else {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    break;
                }
                LockSupport.parkNanos(channel, Math.min(left, TimeUnit.HOURS.toNanos(1)));
            }
            interrupted |= Thread.interrupted();
        }
        boolean woken = chain.remove(sleeper);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        @Nullable KernelPanic cause = halted;
        if (cause != null) {
            throw cause;
        }
        return woken;
    }

    @Override
    public void halt(KernelPanic cause) {
        if (halted == null) {
            halted = cause;
        }
        for (Chain chain : chains) {
            chain.wakeAll();
        }
    }

    @Override
    public void wakeup(Object channel) {
        chainOf(channel).wake(channel);
    }

    @Override
    public @Nullable String waitMessage(Thread thread) {
        for (Chain chain : chains) {
            @Nullable String message = chain.waitMessage(thread);
            if (message != null) {
                return message;
            }
        }
        return null;
    }

    private Chain chainOf(Object channel) {
        int hash = System.identityHashCode(channel);
        return chains[(hash ^ hash >>> 8) & CHAINS - 1];
    }

    private static final class Sleeper {
        final Object channel;
        final String waitMessage;
        final Thread thread = Thread.currentThread();
        volatile boolean woken;

        @Nullable
        Sleeper next;

        Sleeper(Object channel, String waitMessage) {
            this.channel = channel;
            this.waitMessage = waitMessage;
        }
    }

    private static final class Chain {
        private @Nullable Sleeper first;

        synchronized void add(Sleeper sleeper) {
            sleeper.next = first;
            first = sleeper;
        }

        /** Takes the sleeper out if a time-out left it in; returns whether it had been woken. */
        synchronized boolean remove(Sleeper sleeper) {
            if (sleeper.woken) {
                return true;
            }
            unlink(sleeper);
            return false;
        }

        synchronized void wake(Object channel) {
            for (Sleeper s = first; s != null; s = s.next) {
                if (s.channel == channel) {
                    unlink(s);
                    s.woken = true;
                    LockSupport.unpark(s.thread);
                }
            }
        }

        synchronized void wakeAll() {
            for (Sleeper s = first; s != null; s = s.next) {
                LockSupport.unpark(s.thread);
            }
        }

        synchronized @Nullable String waitMessage(Thread thread) {
            for (Sleeper s = first; s != null; s = s.next) {
                if (s.thread == thread) {
                    return s.waitMessage;
                }
            }
            return null;
        }

        private void unlink(Sleeper sleeper) {
            if (first == sleeper) {
                first = sleeper.next;
                return;
            }
            for (Sleeper s = first; s != null; s = s.next) {
                if (s.next == sleeper) {
                    s.next = sleeper.next;
                    return;
                }
            }
        }
    }
}
