// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

/**
 * One process of a recording: its place in the tree of forks, without what it did.
 *
 * @param index its number in the recording, from 0 in the order of {@link Recording#processes}
 * @param pid its number when it was recorded; unique within one input, not among several
 * @param parent index of the process that a fork made it a child of, -1 for a root
 * @param continuesFork true if it runs on in a copy of its parent's memory; false if it starts a program of its own
 * @param command its first program and arguments, as Valgrind words them
 * @param references what it does, counted
 * @param source where it was read from, for messages
 */
public record RecordedProcess(
        int index,
        int pid,
        int parent,
        boolean continuesFork,
        String command,
        ReferenceCounts references,
        String source) {

    /** True if it starts before anything else has run. */
    public boolean isRoot() {
        return parent < 0;
    }
}
