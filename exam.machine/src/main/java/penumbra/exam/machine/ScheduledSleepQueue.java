// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.WouldBlock;

/**
 * Where the threads of a {@link Schedule} sleep. A limited sleep may end at any moment; who is not scheduled cannot
 * sleep.
 */
final class ScheduledSleepQueue implements SleepQueue {
    private final Schedule schedule;

    ScheduledSleepQueue(Schedule schedule) {
        this.schedule = schedule;
    }

    @Override
    public void sleep(Object channel, KernelLock lock, String waitMessage) {
        sleepAndDrop(channel, lock, waitMessage);
        lock.lock();
    }

    @Override
    public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
        if (!schedule.block(channel, lock, waitMessage)) {
            throw new WouldBlock(waitMessage);
        }
    }

    @Override
    public boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos) {
        lock.unlock();
        schedule.point();
        return false;
    }

    @Override
    public void wakeup(Object channel) {
        schedule.wakeup(channel);
    }

    @Override
    public void halt(KernelPanic cause) {
        // The schedule ends with its machine.
    }

    @Override
    public @Nullable String waitMessage(Thread thread) {
        return schedule.waitMessage(thread);
    }
}
