// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

/** The limits of a process that concern memory ({@code RLIMIT_*}). Swap is limited by user, not by process. */
public enum Limit {
    /** Bytes that a process may wire ({@code RLIMIT_MEMLOCK}). */
    MEMLOCK,
    /** Bytes to which the process's stack may grow ({@code RLIMIT_STACK}). */
    STACK,
    /** Bytes that may be mapped ({@code RLIMIT_VMEM}). */
    VMEM;

    /** The value that limits nothing ({@code RLIM_INFINITY}); every limit's first. */
    public static final long INFINITY = Long.MAX_VALUE;
}
