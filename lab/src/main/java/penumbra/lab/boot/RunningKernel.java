// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import penumbra.account.SwapAccounting;
import penumbra.boot.Kernel;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.inspect.InvariantCheck;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.policy.Pageout;
import penumbra.process.Processes;
import penumbra.vnode.VnodeSizes;
import penumbra.vnode.Vnodes;

/** The subsystems of the machine that runs in this container: there while all of them are. */
@Component(service = RunningKernel.class)
public final class RunningKernel {
    private final List<InvariantCheck> checks = new CopyOnWriteArrayList<>();
    private final List<CounterSource> counters = new CopyOnWriteArrayList<>();
    private final Kernel kernel;

    /** Gathers what every experiment needs. */
    @Activate
    public RunningKernel(
            @Reference PhysicalMemory memory,
            @Reference Machine machine,
            @Reference PmapSystem pmaps,
            @Reference Pages pages,
            @Reference Vnodes vnodes,
            @Reference VnodeSizes vnodeSizes,
            @Reference Pagers pagers,
            @Reference SwapSpace swap,
            @Reference SwapAccounting accounting,
            @Reference VmObjects objects,
            @Reference Processes processes,
            @Reference Pageout pageout) {
        kernel = new Kernel(
                memory,
                machine,
                pmaps,
                pages,
                vnodes,
                vnodeSizes,
                pagers,
                swap,
                accounting,
                objects,
                processes,
                pageout,
                checks,
                counters);
    }

    Kernel kernel() {
        return kernel;
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindCheck(InvariantCheck check) {
        checks.add(check);
    }

    void unbindCheck(InvariantCheck check) {
        checks.remove(check);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bindCounters(CounterSource source) {
        counters.add(source);
    }

    void unbindCounters(CounterSource source) {
        counters.remove(source);
    }
}
