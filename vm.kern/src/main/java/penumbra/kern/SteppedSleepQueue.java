// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import org.jspecify.annotations.Nullable;

/** The {@link SleepQueue} of a machine that one thread runs in steps: nobody could end a sleep, so it refuses them. */
public final class SteppedSleepQueue implements SleepQueue {
    @Override
    public void sleep(Object channel, KernelLock lock, String waitMessage) {
        throw new WouldBlock(waitMessage);
    }

    @Override
    public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
        throw new WouldBlock(waitMessage);
    }

    @Override
    public boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos) {
        throw new WouldBlock(waitMessage);
    }

    @Override
    public void wakeup(Object channel) {
        // Nobody sleeps.
    }

    @Override
    public void halt(KernelPanic cause) {
        // Nobody sleeps.
    }

    @Override
    public @Nullable String waitMessage(Thread thread) {
        return null;
    }
}
