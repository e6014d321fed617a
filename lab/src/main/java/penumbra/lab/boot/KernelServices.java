// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.boot;

import java.io.IOException;
import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;
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
import penumbra.vnode.Vnode;
import penumbra.vnode.VnodeSizes;
import penumbra.vnode.Vnodes;

/**
 * The subsystems of the machine that runs. While this component is there the machine is up, whoever else uses it or
 * not.
 */
@Component(service = KernelServices.class, immediate = true)
public final class KernelServices {
    @Reference(policyOption = ReferencePolicyOption.GREEDY)
    private volatile List<InvariantCheck> checks = List.of();

    @Reference(policyOption = ReferencePolicyOption.GREEDY)
    private volatile List<CounterSource> counters = List.of();

    /** Provided by a pager, which comes and goes while the machine runs. */
    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policyOption = ReferencePolicyOption.GREEDY)
    private volatile @Nullable VnodeSizes vnodeSizes;

    private final PhysicalMemory memory;
    private final Machine machine;
    private final PmapSystem pmaps;
    private final Pages pages;
    private final Vnodes vnodes;
    private final Pagers pagers;
    private final SwapSpace swap;
    private final SwapAccounting accounting;
    private final VmObjects objects;
    private final Processes processes;
    private final Pageout pageout;

    @Activate
    public KernelServices(
            @Reference PhysicalMemory memory,
            @Reference Machine machine,
            @Reference PmapSystem pmaps,
            @Reference Pages pages,
            @Reference Vnodes vnodes,
            @Reference Pagers pagers,
            @Reference SwapSpace swap,
            @Reference SwapAccounting accounting,
            @Reference VmObjects objects,
            @Reference Processes processes,
            @Reference Pageout pageout) {
        this.memory = memory;
        this.machine = machine;
        this.pmaps = pmaps;
        this.pages = pages;
        this.vnodes = vnodes;
        this.pagers = pagers;
        this.swap = swap;
        this.accounting = accounting;
        this.objects = objects;
        this.processes = processes;
        this.pageout = pageout;
    }

    /**
     * The subsystems, with the checks that are registered now, and the statistics of whoever is there when they are
     * read.
     */
    public Kernel kernel() {
        return new Kernel(
                memory,
                machine,
                pmaps,
                pages,
                vnodes,
                new CurrentSizes(),
                pagers,
                swap,
                accounting,
                objects,
                processes,
                pageout,
                List.copyOf(checks),
                new CurrentCounters());
    }

    /** The statistics of the moment: their providers come and go, and nobody keeps one that has gone. */
    private final class CurrentCounters extends AbstractList<CounterSource> {
        @Override
        public CounterSource get(int index) {
            return counters.get(index);
        }

        @Override
        public int size() {
            return counters.size();
        }

        @Override
        public Iterator<CounterSource> iterator() {
            return counters.iterator();
        }
    }

    /** Changes sizes by whoever can at the time of the call. */
    private final class CurrentSizes implements VnodeSizes {
        @Override
        public void setSize(Vnode vnode, long bytes) {
            current(vnode).setSize(vnode, bytes);
        }

        @Override
        public void truncate(Vnode vnode, long bytes) throws IOException {
            current(vnode).truncate(vnode, bytes);
        }

        private VnodeSizes current(Vnode vnode) {
            VnodeSizes there = vnodeSizes;
            if (there == null) {
                throw new IllegalStateException(vnode.name() + ": the pager of files is away");
            }
            return there;
        }
    }
}
