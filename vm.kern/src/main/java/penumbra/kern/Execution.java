// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/** How the machine's activities are driven. */
public enum Execution {
    /**
     * One thread runs everything in a fixed order: I/O completes inside the call, a wait for memory runs the page
     * daemon, and any other sleep is {@link WouldBlock}. The same input gives the same state, step by step.
     */
    STEPPED,
    /** CPUs, the page daemon and I/O run on threads of their own. */
    THREADED
}
