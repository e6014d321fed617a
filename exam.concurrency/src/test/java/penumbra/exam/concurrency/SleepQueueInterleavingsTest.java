// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import org.junit.jupiter.api.Test;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.ThreadSleepQueue;

class SleepQueueInterleavingsTest {
    /** Made once: the model checker takes the making of its chains for an endless loop. */
    private static final ThreadSleepQueue QUEUE = new ThreadSleepQueue();

    /** What two threads share: a word and its lock. */
    private static final class Shared {
        final KernelLock lock = new KernelLock(LockRank.OBJECT, "object");
        int turn;

        void await(int wanted) {
            lock.lock();
            while (turn != wanted) {
                QUEUE.sleep(this, lock, "turn");
            }
            turn++;
            QUEUE.wakeup(this);
            lock.unlock();
        }
    }

    @Test
    void noWakeupIsLost() {
        Pair.explore(() -> {
            Shared shared = new Shared();
            Pair.run(
                    () -> {
                        shared.await(0);
                        shared.await(2);
                    },
                    () -> shared.await(1));
            Pair.check(shared.turn == 3, "turn " + shared.turn);
        });
    }

    @Test
    void aLockKeepsOneOut() {
        Pair.explore(() -> {
            Shared shared = new Shared();
            Runnable count = () -> {
                shared.lock.lock();
                shared.turn++;
                shared.lock.unlock();
            };
            Pair.run(count, count);
            Pair.check(shared.turn == 2, "counted " + shared.turn);
        });
    }
}
