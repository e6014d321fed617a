// SPDX-License-Identifier: BSD-2-Clause
package penumbra.boot;

import java.util.List;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.policy.Pageout;
import penumbra.process.Processes;
import penumbra.vnode.VnodeSizes;
import penumbra.vnode.Vnodes;

/**
 * The subsystems of one booted machine, as an experiment uses them.
 *
 * @param checks every invariants check that the subsystems registered
 * @param counters the statistics that they registered
 */
public record Kernel(
        PhysicalMemory memory,
        Machine machine,
        PmapSystem pmaps,
        Pages pages,
        Vnodes vnodes,
        VnodeSizes vnodeSizes,
        Pagers pagers,
        SwapSpace swap,
        SwapAccounting accounting,
        VmObjects objects,
        Processes processes,
        Pageout pageout,
        List<InvariantCheck> checks,
        List<CounterSource> counters) {
    /**
     * Runs every invariants check; the machine is at rest.
     *
     * @param holders who keeps references, wirings and the like besides maps and pagers
     */
    public Violations checkInvariants(List<Holder> holders) {
        Violations violations = new Violations();
        for (InvariantCheck check : checks) {
            check.check(violations, holders);
        }
        return violations;
    }
}
