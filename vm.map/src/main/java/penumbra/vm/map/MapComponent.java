// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.List;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Cpu;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.map.AddressSpace;
import penumbra.map.FaultCounts;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.process.Process;
import penumbra.process.Processes;

/** Wires the process table to what lies below. */
@Component(
        service = {Processes.class, CounterSource.class, InvariantCheck.class},
        configurationPid = "penumbra.vm.map")
@Designate(ocd = MapComponent.Config.class)
public final class MapComponent implements Processes, CounterSource, InvariantCheck {
    /** What can be configured. */
    @ObjectClassDefinition(name = "Penumbra address spaces")
    public @interface Config {
        /** The step by which stacks grow. */
        @AttributeDefinition(description = "Step by which stacks grow, in KiB", min = "4", max = "1048576")
        int stackStepKiB() default 128;

        /** Whether a page stays free between a stack and what it grows towards. */
        @AttributeDefinition(description = "Keep a free page between a stack and the next mapping")
        boolean stackGuardPage() default false;

        /** Wired pages beyond which programs may not wire. */
        @AttributeDefinition(
                description = "Wired pages beyond which programs may not wire; 0 for a third of the memory",
                min = "0",
                max = "2147483647")
        int maxWiredPages() default 0;
    }

    private final ProcessTable table;

    /** Takes the machine's page faults from now on. */
    @Activate
    public MapComponent(
            @Reference Machine machine,
            @Reference PmapSystem pmaps,
            @Reference Pages pages,
            @Reference VmObjects objects,
            @Reference Pagers pagers,
            @Reference SwapSpace swap,
            @Reference SwapAccounting accounting,
            Config config) {
        table = new ProcessTable(machine, pmaps, pages, objects, pagers, swap, accounting);
        apply(config);
    }

    @Modified
    void modified(Config config) {
        apply(config);
    }

    @Deactivate
    void deactivate() {
        table.close();
    }

    private void apply(Config config) {
        table.setStackRules((long) config.stackStepKiB() << 10, config.stackGuardPage());
        table.setMaxWired(config.maxWiredPages());
    }

    @Override
    public Process create(String name, Cred cred) {
        return table.create(name, cred);
    }

    @Override
    public Process create(String name, Cred cred, long min, long max) {
        return table.create(name, cred, min, max);
    }

    @Override
    public @Nullable Process fork(Process parent, String name) {
        return table.fork(parent, name);
    }

    @Override
    public long forkCharge(Process child) {
        return table.forkCharge(child);
    }

    @Override
    public Process vfork(Process parent, String name) {
        return table.vfork(parent, name);
    }

    @Override
    public AddressSpace exec(Process process) {
        return table.exec(process);
    }

    @Override
    public void exit(Process process) {
        table.exit(process);
    }

    @Override
    public int leaving() {
        return table.leaving();
    }

    @Override
    public void kill(Process process, String reason) {
        table.kill(process, reason);
    }

    @Override
    public void run(Cpu cpu, Process process) {
        table.run(cpu, process);
    }

    @Override
    public AddressSpace kernelSpace() {
        return table.kernelSpace();
    }

    @Override
    public @Nullable AddressSpace kernelSubmap(long start, long end) {
        return table.kernelSubmap(start, end);
    }

    @Override
    public List<Process> all() {
        return table.all();
    }

    @Override
    public FaultCounts faults() {
        return table.faults();
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        table.forEach(visitor);
    }

    @Override
    public String name() {
        return table.name();
    }

    @Override
    public void check(Violations violations) {
        table.check(violations);
    }

    @Override
    public void check(Violations violations, List<Holder> holders) {
        table.check(violations, holders);
    }
}
