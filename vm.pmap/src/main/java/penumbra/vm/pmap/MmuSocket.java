// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelPanic;

/**
 * The MMUs that there are, and the one among them that serves; another takes its place while programs run.
 *
 * <p>The change is made while no CPU is in user mode, where it walks tables, and nobody is inside the
 * {@link SwitchGate}, through which every other use of the active MMU goes. What the mappings saw goes to the pages;
 * wired, unmanaged and kernel mappings are made again in the new MMU, and faults bring the rest back. An MMU that fails
 * is replaced in the same way by the next who uses it, except that nothing can be learned from it: every page that
 * could be modified is taken for modified, and even wired mappings are lost until a fault brings them back.
 */
final class MmuSocket {
    private static final Logger LOG = LoggerFactory.getLogger(MmuSocket.class);

    private final Machine machine;
    private final PhysicalMemory memory;
    private final PageReports reports;
    private final SpaceList spaces;
    private final SwitchGate gate = new SwitchGate();
    /** Every MMU that there is, in the order in which they came. */
    private final List<GuardedMmu> present = new CopyOnWriteArrayList<>();
    /** The one that serves; changes behind the gate only. */
    private volatile @Nullable GuardedMmu active;
    /** The name of the one that is to serve when it is there. */
    private volatile String wanted;

    private volatile long switches;
    /** Whether wired mappings may be missing, because an MMU failed. */
    private volatile boolean lossy;
    /** Why no MMU serves any more. */
    private volatile @Nullable KernelPanic ended;

    /** A socket for one of several MMUs, {@code wanted} if it is there. */
    MmuSocket(Machine machine, PhysicalMemory memory, PageReports reports, SpaceList spaces, String wanted) {
        this.machine = machine;
        this.memory = memory;
        this.reports = reports;
        this.spaces = spaces;
        this.wanted = wanted;
    }

    // What uses of the active MMU are wrapped in.

    /** Goes in to use the active MMU, which does not change until {@link #leave}; replaces it first if it failed. */
    int enter() {
        while (true) {
            int ticket = gate.enter();
            GuardedMmu mmu = active;
            if (mmu != null && mmu.parked() == null) {
                return ticket;
            }
            gate.leave(ticket);
            replaceFailed();
        }
    }

    /** Goes out. */
    void leave(int ticket) {
        gate.leave(ticket);
    }

    /**
     * Panics unless the one that serves is the one that {@code failed}, so that the next who goes in replaces it. The
     * caller is inside.
     */
    void expectReplacement(MmuFailed failed) {
        if (active().parked() == null) {
            throw new KernelPanic(failed, "pmap: a space that is gone was used: " + failed.getMessage());
        }
    }

    /** The one that serves. */
    GuardedMmu active() {
        GuardedMmu mmu = active;
        if (mmu == null) {
            throw new KernelPanic("pmap: no MMU serves the machine");
        }
        return mmu;
    }

    /** Whether wired mappings may be missing: they were an MMU's that failed. */
    boolean lossy() {
        return lossy;
    }

    // Which there are.

    /** Adds an MMU; it serves from now on if it is the one that is wanted and was not there. Blocks. */
    void add(Mmu mmu) {
        GuardedMmu next = new GuardedMmu(mmu);
        present.add(next);
        GuardedMmu serving = active;
        if (serving != null && !serving.name().equals(wanted)) {
            use(wanted);
        }
    }

    /** Takes an MMU away; if it serves, another takes its place, and without another the machine halts. Blocks. */
    void remove(Mmu mmu) {
        for (GuardedMmu each : present) {
            if (each.guards(mmu)) {
                present.remove(each);
                replace(each);
            }
        }
    }

    private void replace(GuardedMmu gone) {
        if (active == gone) {
            alone(() -> {
                if (active == gone) {
                    change(candidates(gone));
                }
            });
        }
    }

    /** Lets the one that is wanted serve, or else another that is there. */
    void start() {
        alone(() -> change(candidates(null)));
    }

    /** Takes the MMU from the machine for good. */
    void stop() {
        GuardedMmu last = active;
        active = null;
        if (last != null) {
            detach(last);
        }
    }

    /** Lets the MMU called {@code name} serve as long as it is there; returns whether it does. Blocks. */
    boolean use(String name) {
        alone(() -> {
            if (names().contains(name)) {
                wanted = name;
                List<GuardedMmu> order = candidates(null);
                if (active != order.get(0)) {
                    change(order);
                }
            }
        });
        return active().name().equals(name);
    }

    /** The names of those that are there and have not failed. */
    List<String> names() {
        return candidates(null).stream().map(GuardedMmu::name).toList();
    }

    /** How often the MMU has been changed. */
    long switches() {
        return switches;
    }

    /** Those that can serve, except {@code gone}: the one that is wanted first, then the others as they came. */
    private List<GuardedMmu> candidates(@Nullable GuardedMmu gone) {
        List<GuardedMmu> order = new ArrayList<>();
        for (GuardedMmu each : present) {
            if (each != gone && each.parked() == null) {
                order.add(each.name().equals(wanted) ? 0 : order.size(), each);
            }
        }
        return order;
    }

    // The change.

    private void alone(Runnable action) {
        machine.stopped(() -> gate.alone(action));
    }

    private void replaceFailed() {
        alone(() -> {
            KernelPanic reason = ended;
            if (reason != null) {
                throw reason;
            }
            GuardedMmu mmu = active();
            MmuFailed failed = mmu.parked();
            if (failed != null) {
                log(failed, "it is replaced, and every writeable page taken for modified");
                change(candidates(mmu));
            }
        });
    }

    /** Says in one line what failed and what comes of it; where it failed only to those who look for it. */
    private static void log(MmuFailed failed, String consequence) {
        LOG.error("{}: {}", failed.getMessage(), consequence);
        LOG.debug("where it failed", failed);
    }

    /**
     * Replaces the active MMU, if there is one, by the first of {@code order} that does not fail; halts when all do.
     */
    private void change(List<GuardedMmu> order) {
        GuardedMmu old = active;
        List<Harvest> harvests = harvest(old);
        if (old != null) {
            detach(old);
        }
        for (GuardedMmu next : order) {
            if (next.parked() == null && plug(next, harvests)) {
                active = next;
                if (old != null) {
                    switches++;
                    LOG.debug("mmu: {} -> {}", old.name(), next.name());
                }
                return;
            }
        }
        MmuFailed cause = old == null ? null : old.parked();
        KernelPanic reason = cause == null
                ? new KernelPanic("pmap: there is no MMU any more")
                : new KernelPanic(cause, cause.getMessage() + ", and there is no other");
        active = null;
        ended = reason;
        machine.halt(reason);
        throw reason;
    }

    private List<Harvest> harvest(@Nullable GuardedMmu old) {
        boolean whole = old == null || old.parked() == null;
        List<Harvest> harvests = new ArrayList<>();
        for (SpacePmap pmap : spaces.all()) {
            Harvest harvest = new Harvest(pmap, reports);
            harvests.add(harvest);
            whole = whole && (old == null || gather(pmap, harvest));
        }
        if (!whole) {
            lossy = true;
        }
        reports.unmarkAll(!whole);
        return harvests;
    }

    private static boolean gather(SpacePmap pmap, Harvest harvest) {
        try {
            pmap.space().forEach(harvest);
            return true;
        } catch (MmuFailed failed) {
            log(failed, "its mappings are lost, and every writeable page is taken for modified");
            return false;
        }
    }

    /**
     * Lets {@code next} serve; returns false, and nothing has changed, when it fails or has no room for what was kept.
     */
    private boolean plug(GuardedMmu next, List<Harvest> harvests) {
        List<MmuSpace> made = new ArrayList<>();
        try {
            next.attach(machine, memory, reports);
            for (Harvest harvest : harvests) {
                MmuSpace space = next.create(harvest.pmap().asid());
                made.add(space);
                if (!harvest.kept().enter(space)) {
                    LOG.error("mmu {} has no room for the mappings that must stay", next.name());
                    detach(next);
                    return false;
                }
            }
        } catch (MmuFailed failed) {
            log(failed, "it cannot serve");
            return false;
        }
        for (int i = 0; i < made.size(); i++) {
            Harvest harvest = harvests.get(i);
            harvest.pmap().install(made.get(i));
            harvest.kept().forEach((page, frame, prot, attributes) -> {
                if ((attributes & MmuMapping.MANAGED) != 0) {
                    reports.mapped(frame, prot);
                }
            });
        }
        return true;
    }

    private static void detach(GuardedMmu mmu) {
        if (mmu.parked() == null) {
            try {
                mmu.detach();
            } catch (MmuFailed failed) {
                log(failed, "it did not give its tables back");
            }
        }
    }
}
