// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;

/** A sleep queue in front of another, which does everything unless a test says something else. */
class SleepQueueInFront implements SleepQueue {
    private final SleepQueue real;

    SleepQueueInFront(SleepQueue real) {
        this.real = real;
    }

    @Override
    public void sleep(Object channel, KernelLock lock, String waitMessage) {
        real.sleep(channel, lock, waitMessage);
    }

    @Override
    public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
        real.sleepAndDrop(channel, lock, waitMessage);
    }

    @Override
    public boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos) {
        return real.sleepAndDrop(channel, lock, waitMessage, nanos);
    }

    @Override
    public void wakeup(Object channel) {
        real.wakeup(channel);
    }

    @Override
    public void halt(KernelPanic cause) {
        real.halt(cause);
    }

    @Override
    public @Nullable String waitMessage(Thread thread) {
        return real.waitMessage(thread);
    }
}
