// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a replay is asked to do.
 *
 * @param inputs recordings, as {@code Recording.open} takes them
 * @param memoryBytes the machine's memory, a multiple of the page size
 * @param swapBytes the swap file's size, a multiple of the page size
 * @param swapFile where it lies; null for a temporary file
 * @param compressedBytes memory for compressed pages, a multiple of the page size; 0 for none
 * @param cpus how many CPUs; 1 runs in steps that can be repeated
 * @param quantum references that a process makes before the next one's turn
 * @param seed decides the order of processes and the contents of generated files
 * @param policy the page daemon's replacement policy
 * @param mmu the MMU that serves, at first
 * @param mmuEvery how often another takes its place; null for never
 * @param hostFiles whether files of the host are mapped where the recording names them
 * @param swapPagerEvery how often the store of swapped pages is replaced; null for never
 * @param writeBack where changed shared files are kept; null to drop them
 */
public record ReplayOptions(
        List<String> inputs,
        long memoryBytes,
        long swapBytes,
        @Nullable Path swapFile,
        long compressedBytes,
        int cpus,
        int quantum,
        long seed,
        String policy,
        String mmu,
        @Nullable Interval mmuEvery,
        boolean hostFiles,
        @Nullable Interval swapPagerEvery,
        @Nullable Path writeBack) {
    /** The default of {@code --quantum}. */
    public static final int QUANTUM = 10_000;
}
