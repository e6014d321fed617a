// SPDX-License-Identifier: BSD-2-Clause
package penumbra.boot;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;

/**
 * What a machine is booted with.
 *
 * @param pages pages of memory
 * @param swapPages slots of the swap file, the two at its beginning that are never used included
 * @param swapFile where the swap file lies; null for a temporary one
 * @param cpus how many CPUs
 * @param execution whether one thread runs everything in steps
 * @param fidelity which truth is followed where the original has a defect
 * @param optimised whether pmap_copy and superpages are used
 * @param compressedPages pages of memory for a compressed backing store, which takes pages before the swap file does; 0
 *     for none
 */
public record MachineSettings(
        int pages,
        long swapPages,
        @Nullable Path swapFile,
        int cpus,
        Execution execution,
        Fidelity fidelity,
        boolean optimised,
        long compressedPages) {
    /** A machine without compressed memory. */
    public MachineSettings(
            int pages,
            long swapPages,
            @Nullable Path swapFile,
            int cpus,
            Execution execution,
            Fidelity fidelity,
            boolean optimised) {
        this(pages, swapPages, swapFile, cpus, execution, fidelity, optimised, 0);
    }

    /** A machine of one CPU that runs in steps and keeps to what the original does, for scripts. */
    public static MachineSettings stepped(int pages, long swapPages, Fidelity fidelity) {
        return new MachineSettings(pages, swapPages, null, 1, Execution.STEPPED, fidelity, false);
    }

    /** The same machine with {@code count} pages of compressed memory. */
    public MachineSettings withCompressedPages(long count) {
        return new MachineSettings(pages, swapPages, swapFile, cpus, execution, fidelity, optimised, count);
    }
}
