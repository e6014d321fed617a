// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

/** The statuses with which a command, and with it the process, ends. */
public final class ExitStatus {
    /** All that was asked for held. */
    public static final int OK = 0;

    /** A check failed, or the job was stopped before its end. */
    public static final int FAILED = 1;

    /** The arguments or the input cannot be used; nothing was found out. */
    public static final int UNUSABLE = 2;

    /** The machine panicked. */
    public static final int PANIC = 3;

    private ExitStatus() {}
}
