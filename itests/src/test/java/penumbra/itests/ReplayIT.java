// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.inject.Inject;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import penumbra.account.SwapAccounting;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.exam.jupiter.PaxExam;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.inspect.InvariantCheck;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.policy.Pageout;
import penumbra.process.Processes;
import penumbra.vnode.VnodeSizes;
import penumbra.vnode.Vnodes;

/** Recorded programs run inside the container, and backing stores change between the runs. */
@ExtendWith(PaxExam.class)
class ReplayIT {
    /** Small enough that the recording pages, in pages. */
    private static final int MEMORY = 128;

    private static final int SWAP = 16384;

    @Inject
    private BundleContext context;

    @Inject
    private CommandProcessor commands;

    @Inject
    private MachineBoot power;

    @Configuration
    Option[] container() {
        return options(Shipped.bundles());
    }

    @Test
    void aReplayRunsInTheContainer() throws Exception {
        assertThat(vm("replay --files generated --memory 512k --swap 64m " + Shipped.SAMPLE))
                .contains("swap");
    }

    @Test
    void backingStoresChangeBetweenReplaysWithoutTheObjectsNoticing() throws Exception {
        power.boot(new MachineSettings(MEMORY, SWAP, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true));
        replaysOnTheRunningMachine();
        String replay = "replay --files generated --memory 512k --swap 64m " + Shipped.SAMPLE;
        vm(replay);

        Object objects = serviceId(VmObjects.class);
        BackingStore first = service(BackingStore.class);
        String identity = first.identity();
        Bundle swap = bundle("penumbra.pager.swap");
        swap.stop();
        assertThat(service(SwapSpace.class).present()).isFalse();
        try (InputStream jar = new URL(swap.getLocation()).openStream()) {
            swap.update(jar);
        }
        swap.start();
        assertThat(service(BackingStore.class)).isNotSameAs(first);
        assertThat(service(BackingStore.class).identity()).isEqualTo(identity);
        assertThat(service(SwapSpace.class).present()).isTrue();
        vm(replay);

        HeapStore heap = new HeapStore(SWAP);
        ServiceRegistration<BackingStore> registration = context.registerService(
                BackingStore.class, heap, new Hashtable<>(Map.of(Constants.SERVICE_RANKING, 10)));
        swap.stop();
        vm(replay);
        assertThat(heap.written()).isPositive();
        assertThat(serviceId(VmObjects.class)).isEqualTo(objects);

        swap.start();
        registration.unregister();
        vm(replay);
        assertThat(serviceId(VmObjects.class)).isEqualTo(objects);
    }

    @Test
    void mmusComeAndGoWhileAReplayRuns() throws Exception {
        power.boot(new MachineSettings(MEMORY, SWAP, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true));
        replaysOnTheRunningMachine();
        PmapSystem pmaps = service(PmapSystem.class);
        String replay = "vm replay --files generated --memory 512k --swap 64m " + Shipped.SAMPLE;
        CompletableFuture<String> running = CompletableFuture.supplyAsync(() -> command(replay));
        Processes processes = service(Processes.class);
        while (processes.all().isEmpty() && !running.isDone()) {
            Thread.onSpinWait();
        }
        int rounds = 0;
        while (!running.isDone()) {
            replaceMmus(pmaps);
            rounds++;
        }
        assertThat(running.get()).contains("every byte as expected, all invariants hold");
        assertThat(rounds).isPositive();
        assertThat(pmaps.mmuSwitches()).isGreaterThanOrEqualTo(6L * rounds);
        assertThat(service(PmapSystem.class)).as("the machine stayed up").isSameAs(pmaps);
        assertThat(runningKernel().checkInvariants(List.of()).messages()).isEmpty();
    }

    /** By order, and by what can happen to bundles; the one that was asked for last serves whenever it is there. */
    private void replaceMmus(PmapSystem pmaps) throws Exception {
        Bundle riscv = bundle("penumbra.hw.riscv");
        assertThat(command("vm:use-mmu riscv")).contains("amd64 -> riscv");
        riscv.stop();
        assertThat(pmaps.mmuName()).isEqualTo("amd64");
        riscv.start();
        assertThat(pmaps.mmuName()).isEqualTo("riscv");
        long switches = pmaps.mmuSwitches();
        try (InputStream jar = new URL(riscv.getLocation()).openStream()) {
            riscv.update(jar);
        }
        assertThat(pmaps.mmuName()).isEqualTo("riscv");
        assertThat(pmaps.mmuSwitches()).isEqualTo(switches + 2);
        bundle("penumbra.hw.amd64").stop();
        bundle("penumbra.hw.amd64").start();
        assertThat(pmaps.mmuName()).isEqualTo("riscv");
        assertThat(command("vm:use-mmu amd64")).contains("riscv -> amd64");
    }

    /** Gives the replay command a power switch that leaves the running machine on, so that replays follow on it. */
    private void replaysOnTheRunningMachine() throws Exception {
        Kernel kernel = runningKernel();
        Bundle lab = bundle("penumbra.lab");
        lab.stop();
        context.registerService(
                MachineBoot.class, settings -> kernel, new Hashtable<>(Map.of(Constants.SERVICE_RANKING, 1)));
        lab.start();
    }

    private Kernel runningKernel() {
        return new Kernel(
                service(PhysicalMemory.class),
                service(Machine.class),
                service(PmapSystem.class),
                service(Pages.class),
                service(Vnodes.class),
                service(VnodeSizes.class),
                service(Pagers.class),
                service(SwapSpace.class),
                service(SwapAccounting.class),
                service(VmObjects.class),
                service(Processes.class),
                service(Pageout.class),
                services(InvariantCheck.class),
                services(CounterSource.class));
    }

    /** Runs a command of the front door and returns what it printed; a status other than 0 fails. */
    private String vm(String command) {
        return command("vm " + command);
    }

    /** Runs a command and returns what it printed, and its result; one that fails, fails. */
    private String command(String line) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
        try (CommandSession session = commands.createSession(InputStream.nullInputStream(), out, out)) {
            Object result = session.execute(line);
            out.print(result instanceof String ? result : "");
        } catch (Exception e) {
            throw new AssertionError(printed.toString(StandardCharsets.UTF_8), e);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    private Object serviceId(Class<?> type) {
        return context.getServiceReference(type).getProperty(Constants.SERVICE_ID);
    }

    private <T> T service(Class<T> type) {
        return context.getService(context.getServiceReference(type));
    }

    private <T> List<T> services(Class<T> type) {
        try {
            return context.getServiceReferences(type, null).stream()
                    .sorted()
                    .map((ServiceReference<T> reference) -> context.getService(reference))
                    .toList();
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Bundle bundle(String name) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> name.equals(bundle.getSymbolicName()))
                .findFirst()
                .orElseThrow();
    }
}
