// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.util.List;

/**
 * What one log says about its process, apart from what the process did.
 *
 * @param parentPid who started the process, as a hint: not necessarily a process of the recording
 * @param continuesFork true if the log starts in the middle of a program
 * @param children the processes that it forked, in order
 * @param complete true if Valgrind ended the log in order
 * @param instructions how many instructions Valgrind says it ran, -1 if it does not say
 */
record LogSummary(
        int pid,
        int parentPid,
        String command,
        boolean continuesFork,
        List<Integer> children,
        boolean complete,
        long instructions) {

    LogSummary {
        children = List.copyOf(children);
    }
}
