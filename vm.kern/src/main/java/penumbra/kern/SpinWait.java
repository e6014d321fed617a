// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/** How a thread waits without sleeping for what another is just about to do ({@code cpu_spinwait}). */
public final class SpinWait {
    /** Looks after which the other is taken to need the processor. */
    private static final int SPINS = 1000;

    private SpinWait() {}

    /** Waits a moment after look number {@code looks}, from 0. No lock that the other needs is held. */
    public static void pause(int looks) {
        if (looks >= SPINS) {
            letOthersRun();
            return;
        }
        if (Witness.ON) {
            Witness.spinning();
        }
        Thread.onSpinWait();
    }

    /** Lets others run: what the other does takes its time. No lock that it needs is held. */
    @SuppressWarnings("ThreadPriorityCheck") // The other wakes nobody when it is done.
    public static void letOthersRun() {
        if (Witness.ON) {
            Witness.spinning();
        }
        Thread.yield();
    }
}
