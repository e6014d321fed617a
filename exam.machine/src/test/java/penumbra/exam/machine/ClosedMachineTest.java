// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.page.Pages;

/** What is left of a machine when it has been switched off. */
class ClosedMachineTest {
    private static final int CPUS = 2;
    private static final int MEMORY = 123;
    /** More than there is room for, so that pages go through all queues, and to swap and back. */
    private static final int PAGES = 150;

    private static final int ACCESSES = 300;
    /** One would do, if the collector did not hold on to what it has just looked at. */
    private static final int COLLECTIONS = 20;

    private final ExecutorService users = Executors.newFixedThreadPool(CPUS);

    /** Boots a machine, runs a program on each of its CPUs by a thread that stays, and switches it off. */
    private WeakReference<Pages> live(Execution execution) throws Exception {
        try (HandMachine machine =
                new HandMachine(new MachineSettings(MEMORY, 1_000, null, CPUS, execution, Fidelity.CORRECTED, true))) {
            List<Future<?>> all = new ArrayList<>();
            for (Cpu cpu : machine.kernel().machine().cpus()) {
                Future<?> run = users.submit(() -> program(machine.kernel(), cpu));
                all.add(run);
                if (execution == Execution.STEPPED) {
                    run.get();
                }
            }
            for (Future<?> run : all) {
                run.get();
            }
            assertThat(machine.kernel().checkInvariants(List.of()).messages()).isEmpty();
            return new WeakReference<>(machine.kernel().pages());
        }
    }

    private static void program(Kernel kernel, Cpu cpu) {
        Workload program = new Workload(kernel, cpu, PAGES, cpu.number());
        program.fill();
        program.run(ACCESSES);
        assertThat(program.sweep()).isZero();
        program.exit();
    }

    /** A thread's own index of a paging queue once kept the queue, and with it every machine that the thread had used. */
    @ParameterizedTest
    @EnumSource
    void theThreadsThatUsedItDoNotKeepIt(Execution execution) throws Exception {
        try {
            WeakReference<Pages> pages = live(execution);
            for (int i = 0; i < COLLECTIONS && pages.get() != null; i++) {
                System.gc();
            }
            assertThat(pages.get()).isNull();
        } finally {
            users.shutdown();
        }
    }
}
