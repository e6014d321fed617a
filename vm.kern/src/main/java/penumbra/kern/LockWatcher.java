// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * Who is told of every lock that is wanted, taken and given back, and of busy waiting, while the {@link Witness} is on:
 * a tool that decides which thread goes on.
 *
 * <p>Called by the thread in question, after the witness has agreed.
 */
public interface LockWatcher {
    /** The calling thread is about to take {@code lock}, and will wait for it if need be; may wait first. */
    void wanted(KernelLock lock);

    /** The calling thread has {@code lock} now. */
    void taken(KernelLock lock);

    /** The calling thread waits without sleeping for what another does; may wait until others have gone on. */
    void spinning();

    /** The calling thread is about to give {@code lock} back; must not wait. */
    void released(KernelLock lock);
}
