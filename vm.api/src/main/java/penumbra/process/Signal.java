// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;

/** What a process is told about an access that was refused: a signal and its code. */
public enum Signal {
    /** Nothing is mapped there, or what is mapped could not be read. */
    SEGV_MAPERR("SIGSEGV"),
    /** The mapping does not allow the access. */
    SEGV_ACCERR("SIGSEGV"),
    /** What is mapped ends before the page. */
    BUS_OBJERR("SIGBUS"),
    /** The swap that the access needs could not be reserved. */
    BUS_OOMERR("SIGBUS"),
    /** The process was told to die before. */
    KILLED("SIGKILL");

    private final String signal;

    Signal(String signal) {
        this.signal = signal;
    }

    /**
     * What follows from the fault handler's answer ({@code trap_pfault}).
     *
     * <p>FreeBSD 10.0 does not tell an access behind the end of a file from a forbidden one, nor missing swap from a
     * missing mapping; POSIX does, and so did FreeBSD from version 12 on.
     */
    public static Signal of(KernReturn reason, Fidelity fidelity) {
        return switch (reason) {
            case NOT_RECEIVER -> KILLED;
            case PROTECTION_FAILURE -> SEGV_ACCERR;
            case OUT_OF_BOUNDS -> fidelity.corrected() ? BUS_OBJERR : SEGV_ACCERR;
            case RESOURCE_SHORTAGE -> fidelity.corrected() ? BUS_OOMERR : SEGV_MAPERR;
            default -> SEGV_MAPERR;
        };
    }

    /** The signal's name; {@link #name} is its code's. */
    public String signal() {
        return signal;
    }
}
