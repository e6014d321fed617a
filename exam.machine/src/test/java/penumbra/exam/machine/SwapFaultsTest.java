// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fault.Fault;
import penumbra.fault.FaultPlan;
import penumbra.hw.PageSize;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.SteadyChannel.Opener;

/**
 * What becomes of programs when the host fails under the swap file: they read what they wrote or are refused, and the
 * machine serves others.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class SwapFaultsTest {
    private static final int MEMORY = 123;
    private static final int PAGES = 150;
    private static final int ACCESSES = 80;

    @TempDir
    private Path directory;

    private static HandMachine boot(Execution execution, int cpus, @Nullable Path swapFile, Opener opener) {
        return new HandMachine(
                new MachineSettings(MEMORY, 1024, swapFile, cpus, execution, Fidelity.CORRECTED, true),
                Interposed.NOTHING.withSwapOpener(opener));
    }

    private static Workload program(Kernel kernel, int cpu, int pages, long seed) {
        return new Workload(kernel, kernel.machine().cpus().get(cpu), pages, seed);
    }

    /** Runs a program with the fault at the {@code n}-th transfer; returns how often it happened. */
    private static int run(Kernel kernel, FaultPlan plan, Fault fault, long seed, int n) {
        Workload workload = program(kernel, 0, PAGES, seed);
        workload.fill();
        plan.arm(n, false);
        workload.run(ACCESSES);
        int fired = plan.fired();
        assertThat(Thread.interrupted()).isEqualTo(fired > 0 && fault == Fault.INTERRUPT);
        plan.disarm();
        // What a silent fault has lost may be in memory still, and is found lost when it was paged out.
        int lost = workload.sweep() + workload.sweep();
        if (!fault.silent()) {
            assertThat(lost).isZero();
        }
        if (fault.harmless()) {
            assertThat(workload.refused()).isZero();
        }
        workload.exit();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        return fired;
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "FAILING_FSYNC")
    void atWhicheverTransferItHappensNothingIsWrong(Fault fault) {
        long seed = System.nanoTime();
        System.out.println(fault + ": seed " + seed);
        FaultPlan plan = new FaultPlan(fault, seed);
        plan.letGo();
        try (HandMachine machine = boot(Execution.STEPPED, 1, null, plan.opener())) {
            int n = 1;
            while (run(machine.kernel(), plan, fault, seed, n) > 0) {
                n++;
            }
            System.out.println(fault + ": " + n + " transfers");
            assertThat(n).isGreaterThan(1);
        }
    }

    /** Whoever cannot be served is refused or chosen to die; those that come when the fault is gone notice nothing. */
    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "FAILING_FSYNC")
    void whenItNeverStopsProgramsEndAndTheMachineDoesNot(Fault fault) {
        long seed = System.nanoTime();
        System.out.println(fault + ": seed " + seed);
        FaultPlan plan = new FaultPlan(fault, seed);
        plan.letGo();
        try (HandMachine machine = boot(Execution.THREADED, 1, null, plan.opener())) {
            Workload first = program(machine.kernel(), 0, PAGES, seed);
            plan.arm(5, true);
            first.fill();
            first.run(10 * ACCESSES);
            first.sweep();
            assertThat(plan.fired()).isPositive();
            if (fault.harmless()) {
                assertThat(first.refused()).isZero();
                assertThat(first.killed()).isFalse();
            }
            first.exit();
            plan.disarm();
            Thread.interrupted();
            // A store whose writes went on failing takes no new pages before it is swapped on again.
            machine.pagers().attach(machine.swapFile(), 0);
            Workload second = program(machine.kernel(), 0, PAGES, seed + 1);
            second.fill();
            second.run(ACCESSES);
            assertThat(second.sweep()).isZero();
            assertThat(second.refused()).isZero();
            second.exit();
        }
    }

    @Test
    void aSlowTransferHoldsUpNobodyElse() throws Exception {
        FaultPlan plan = new FaultPlan(Fault.SLOW, 1);
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (HandMachine machine = boot(Execution.THREADED, 2, null, plan.opener())) {
            plan.arm(1, false);
            Workload waiting = program(machine.kernel(), 0, PAGES, 1);
            Future<?> done = thread.submit(waiting::fill);
            plan.awaitSlow();
            Workload other = program(machine.kernel(), 1, 10, 2);
            other.run(ACCESSES);
            assertThat(other.refused()).isZero();
            plan.letGo();
            done.get();
            assertThat(waiting.sweep()).isZero();
            waiting.exit();
            other.exit();
        } finally {
            plan.letGo();
            thread.shutdownNow();
        }
    }

    @Test
    void aSwapFileThatIsCutLosesWhatWasInItAndNoMore() throws IOException {
        Path file = directory.resolve("cut.swap");
        try (HandMachine machine = boot(Execution.STEPPED, 1, file, Opener.HOST)) {
            Kernel kernel = machine.kernel();
            Workload first = program(kernel, 0, PAGES, 1);
            first.fill();
            try (FileChannel outside = FileChannel.open(file, StandardOpenOption.WRITE)) {
                outside.truncate(PageSize.bytes(2) + 100);
            }
            assertThat(first.sweep()).isPositive();
            Workload second = program(kernel, 0, PAGES, 2);
            second.fill();
            second.run(ACCESSES);
            assertThat(second.sweep()).isZero();
            first.exit();
            second.exit();
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }

    @Test
    void aHostThatRefusesTheFileAtOnceRefusesTheMachine() {
        assertThatCode(() -> boot(Execution.STEPPED, 1, directory.resolve("x"), (path, options) -> {
                            throw new IOException(path + ": Input/output error");
                        })
                        .close())
                .hasMessageContaining("Input/output error");
        assertThat(directory.resolve("x")).doesNotExist();
    }
}
