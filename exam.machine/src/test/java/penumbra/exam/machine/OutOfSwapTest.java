// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;

/** Swap and memory are full at once. */
@Timeout(120)
class OutOfSwapTest {
    private static final int CPUS = 3;
    private static final int MEMORY = 200;
    private static final int SLOTS = 1_000;
    private static final int MODEST = 60;
    private static final int GREEDY = 2_000;
    private static final int STEPS = 1_500;

    private final HandMachine machine = new HandMachine(
            new MachineSettings(MEMORY, SLOTS, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true));
    private final Kernel kernel = machine.kernel();
    private final CountDownLatch dead = new CountDownLatch(1);

    @AfterEach
    void switchOff() {
        machine.close();
    }

    /** Works, and goes on working when somebody has died. */
    private void work(Cpu cpu, SplittableRandom random) throws InterruptedException {
        ModelProgram program = ModelProgram.start(kernel, "modest", MODEST);
        program.run(cpu);
        access(cpu, random, program);
        dead.await();
        access(cpu, random, program);
        program.checkAll(cpu);
        assertThat(program.process.killed()).isFalse();
        kernel.processes().exit(program.process);
    }

    private static void access(Cpu cpu, SplittableRandom random, ModelProgram program) {
        for (int i = 0; i < STEPS; i++) {
            int page = random.nextInt(MODEST);
            if (random.nextBoolean()) {
                program.store(cpu, page, random.nextLong());
            } else {
                program.check(cpu, page);
            }
        }
    }

    /** Takes all that there is. */
    private void grow(Cpu cpu) {
        ModelProgram program = ModelProgram.start(kernel, "greedy", GREEDY);
        program.run(cpu);
        try {
            for (int page = 0; page < GREEDY; page++) {
                program.store(cpu, page, page);
            }
            throw new AssertionError("there is not so much memory");
        } catch (MemoryFault fault) {
            assertThat(fault.reason()).isEqualTo(KernReturn.NOT_RECEIVER);
        }
        assertThat(program.process.killReason())
                .contains("out of memory", "greedy", "swap slots")
                .doesNotContain("\n");
        kernel.processes().exit(program.process);
        dead.countDown();
    }

    @Test
    void oneProgramDiesAndTheOthersGoOn() throws Exception {
        long seed = Long.getLong("penumbra.seed", System.nanoTime());
        System.out.println("out of swap: seed " + seed);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (Cpu cpu : kernel.machine().cpus()) {
            SplittableRandom random = new SplittableRandom(seed + cpu.number());
            all.add(Tasks.start("cpu " + cpu.number(), () -> {
                if (cpu.number() == 0) {
                    grow(cpu);
                } else {
                    work(cpu, random);
                }
            }));
        }
        Tasks.finish(all);
        assertThat(kernel.machine().panic()).isNull();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        assertThat(kernel.swap().available()).isEqualTo(kernel.swap().total() - 2);
    }
}
