// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.util.List;
import java.util.Map;
import penumbra.lab.trace.ReferenceCounts;
import penumbra.map.FaultCounts;

/**
 * What a replay counted; with one CPU, the same recording, options and seed give the same numbers, times apart.
 *
 * @param references by kind
 * @param mmu the MMU that served at last
 * @param mmuSwitches how often another took its place
 * @param processes that ran
 * @param calls memory calls replayed
 * @param forks forks replayed
 * @param tlbHits accesses that a TLB answered
 * @param walks walks of translation tables
 * @param traps taken by all CPUs
 * @param faults by how they were resolved
 * @param counters every subsystem's own counters, by FreeBSD's names
 * @param collapses objects merged with the one behind them
 * @param bypasses objects taken out of chains
 * @param longestChain the most objects seen behind one mapping
 * @param replacements of the store of swapped pages
 * @param peakResident the most pages in use at a time
 * @param swapPeak the most swap slots in use at a time
 * @param assumed the assumed ranges that were touched, a line for each process
 * @param files what was replaced, extended or changed, a line each
 * @param notes oddities of the recording
 * @param modelBytes the most that the content model took, outside of the machine's memory
 * @param touchedBytes bytes in the distinct pages that processes touched
 * @param readerThreads threads that read the recording
 * @param nanos wall time of the whole run, reading and decompression included
 */
record Tally(
        ReferenceCounts references,
        String mmu,
        long mmuSwitches,
        int processes,
        long calls,
        long forks,
        long tlbHits,
        long walks,
        long traps,
        FaultCounts faults,
        Map<String, Long> counters,
        long collapses,
        long bypasses,
        int longestChain,
        int replacements,
        int peakResident,
        long swapPeak,
        List<String> assumed,
        List<String> files,
        List<String> notes,
        long modelBytes,
        long touchedBytes,
        int readerThreads,
        long nanos) {
    /** References a second of wall time. */
    long referencesPerSecond() {
        return (long) (references.total() / (nanos / 1e9));
    }

    /** The counter {@code name}, 0 when no subsystem has it. */
    long counter(String name) {
        return counters.getOrDefault("vm.stats.vm." + name, 0L);
    }
}
