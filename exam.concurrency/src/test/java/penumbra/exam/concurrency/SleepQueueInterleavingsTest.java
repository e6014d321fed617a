// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.ThreadSleepQueue;

/** Two threads that wait for each other: whoever comes first sleeps. */
public class SleepQueueInterleavingsTest {
    private final ThreadSleepQueue queue = new ThreadSleepQueue();
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "object");
    private int arrivals;

    /** Meetings. */
    public static class Model {
        /** Has nothing to wait for. */
        public void meet() {
            // One comes after the other here.
        }
    }

    @Operation(blocking = true)
    public void meet() {
        lock.lock();
        arrivals++;
        int both = arrivals + (arrivals & 1);
        queue.wakeup(this);
        while (arrivals < both) {
            queue.sleep(this, lock, "other");
        }
        lock.unlock();
    }

    @Test
    void noWakeupIsLost() {
        Operations.exploreTogether(SleepQueueInterleavingsTest.class, Model.class);
    }
}
