// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import org.jspecify.annotations.Nullable;

/**
 * Where threads sleep until another wakes the object they wait for (FreeBSD's {@code sleepqueue(9)}).
 *
 * <p>The channel is any object, compared by identity; it costs no memory while nobody sleeps on it. Wake-ups may be
 * spurious: a sleeper tests its condition again, under its lock.
 */
public interface SleepQueue {
    /**
     * Releases {@code lock}, sleeps until {@link #wakeup} on {@code channel}, and takes the lock again. No wake-up is
     * lost between the release and the sleep. Uninterruptible: an interrupt is kept for the caller.
     *
     * @param channel what to wait for
     * @param lock held by the caller
     * @param waitMessage shown by the inspector, FreeBSD's {@code wmesg}
     * @throws WouldBlock when the machine runs in steps
     * @throws KernelPanic when the machine was halted
     */
    void sleep(Object channel, KernelLock lock, String waitMessage);

    /** Like {@link #sleep}, but returns with {@code lock} released (FreeBSD's {@code PDROP}). */
    void sleepAndDrop(Object channel, KernelLock lock, String waitMessage);

    /**
     * Sleeps with a time limit, holding no lock of the caller's afterwards.
     *
     * @param nanos at most this many nanoseconds
     * @return whether a wake-up ended the sleep
     */
    boolean sleepAndDrop(Object channel, KernelLock lock, String waitMessage, long nanos);

    /** Wakes every thread that sleeps on {@code channel}; any lock may be held. */
    void wakeup(Object channel);

    /**
     * Ends every sleep, and each that begins from now on, by throwing {@code cause}, with no lock taken again: the
     * machine was halted, and nobody is left to wake anybody. The first cause counts.
     */
    void halt(KernelPanic cause);

    /** The wait message of a sleeping thread, for the inspector; null when it does not sleep here. */
    @Nullable
    String waitMessage(Thread thread);
}
