// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Joins the processes of one recording by their forks. */
final class Family {
    private static final int NONE = -1;

    private final List<Member> members;
    private final Map<Integer, Integer> byPid = new HashMap<>();
    private final int[] parents;

    private Family(List<Member> members) {
        this.members = members;
        this.parents = new int[members.size()];
    }

    /**
     * The processes in the order of their numbers, each under the process that forked it. Their indexes start at
     * {@code first}.
     */
    static List<RecordedProcess> join(List<Member> members, int first) throws BadInput {
        Family family = new Family(members);
        family.index();
        family.adopt();
        family.check();
        List<RecordedProcess> processes = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            int parent = family.parents[i];
            processes.add(new RecordedProcess(
                    first + i,
                    member.summary().pid(),
                    parent == NONE ? NONE : first + parent,
                    member.summary().continuesFork(),
                    member.summary().command(),
                    member.references(),
                    member.source()));
        }
        return processes;
    }

    /** The order in which processes are numbered: the same however the logs lie in their archive. */
    static List<Member> sorted(List<Member> members) {
        return members.stream()
                .sorted(Comparator.comparingInt(member -> member.summary().pid()))
                .toList();
    }

    private void index() throws BadInput {
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            Integer other = byPid.put(member.summary().pid(), i);
            if (other != null) {
                throw new BadInput(
                        member.source(),
                        "a second log of process " + member.summary().pid() + ", the first is "
                                + members.get(other).source());
            }
        }
    }

    private void adopt() throws BadInput {
        Arrays.fill(parents, NONE);
        for (int i = 0; i < members.size(); i++) {
            for (int pid : members.get(i).summary().children()) {
                Integer child = byPid.get(pid);
                if (child == null) {
                    continue;
                }
                if (parents[child] != NONE) {
                    throw new BadInput(
                            members.get(i).source(),
                            "process " + pid + " is forked a second time; the first time is in "
                                    + members.get(parents[child]).source());
                }
                parents[child] = i;
            }
        }
    }

    private void check() throws BadInput {
        for (int i = 0; i < members.size(); i++) {
            LogSummary summary = members.get(i).summary();
            if (summary.continuesFork() && parents[i] == NONE) {
                throw new BadInput(
                        members.get(i).source(),
                        "continues a fork, but no log has the line 'created child " + summary.pid()
                                + "'; expected it in the log of process " + summary.parentPid());
            }
            int steps = 0;
            for (int ancestor = parents[i]; ancestor != NONE; ancestor = parents[ancestor]) {
                if (++steps > members.size()) {
                    throw new BadInput(members.get(i).source(), "the forks form a circle");
                }
            }
        }
    }
}
