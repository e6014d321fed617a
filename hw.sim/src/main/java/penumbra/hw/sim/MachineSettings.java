// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import penumbra.kern.Execution;
import penumbra.kern.Fidelity;

/**
 * What a machine is built as.
 *
 * @param cpus how many CPUs, 1 to 64
 * @param execution how activities are driven
 * @param fidelity which truth the kernel follows
 * @param tlbEntries how many translations each CPU keeps: a power of two, 16 to 65536
 */
public record MachineSettings(int cpus, Execution execution, Fidelity fidelity, int tlbEntries) {
    /** As many translations as a current CPU's second-level TLB holds, to the next power of two. */
    public static final int TLB_ENTRIES = 2048;

    private static final int MOST_CPUS = 64;
    private static final int LEAST_TLB = 16;
    private static final int MOST_TLB = 1 << 16;

    /** Checks the numbers. */
    public MachineSettings {
        if (cpus < 1 || cpus > MOST_CPUS) {
            throw new IllegalArgumentException("cpus " + cpus + ": expected 1 to " + MOST_CPUS);
        }
        if (tlbEntries < LEAST_TLB || tlbEntries > MOST_TLB || Integer.bitCount(tlbEntries) != 1) {
            throw new IllegalArgumentException(
                    "TLB entries " + tlbEntries + ": expected a power of two from " + LEAST_TLB + " to " + MOST_TLB);
        }
    }

    /** One CPU, driven in steps. */
    public static MachineSettings stepped(Fidelity fidelity) {
        return new MachineSettings(1, Execution.STEPPED, fidelity, TLB_ENTRIES);
    }

    /** {@code cpus} CPUs on threads of their own, with every known defect mended. */
    public static MachineSettings threaded(int cpus) {
        return new MachineSettings(cpus, Execution.THREADED, Fidelity.CORRECTED, TLB_ENTRIES);
    }
}
