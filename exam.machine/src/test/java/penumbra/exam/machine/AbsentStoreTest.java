// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.SleepQueue;
import penumbra.pager.swap.FileStore;

/** The only store leaves while programs run, and comes back. */
@Timeout(300)
class AbsentStoreTest {
    private static final int CPUS = 4;
    private static final int MEMORY = 300;
    private static final int PAGES = 140;
    /** From here on pages stay when the store leaves: few enough to be in memory at once, if all of them are. */
    private static final int KEPT = 100;

    private static final int SLOTS = 4_000;
    /** How often each program looks at what is not there; all pages of some may be in memory. */
    private static final int ROUNDS = 20;

    private static final long FOR_EVER = 3_600_000;

    @TempDir
    private Path directory;

    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    private final Semaphore progress = new Semaphore(0);
    private final AtomicBoolean done = new AtomicBoolean();
    private final Set<Thread> programs = ConcurrentHashMap.newKeySet();
    private HandMachine machine;
    private Kernel kernel;
    private FileStore store;

    private void boot() throws IOException {
        System.out.println("absent store: seed " + seed);
        machine = new HandMachine(
                new MachineSettings(MEMORY, 10, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true));
        kernel = machine.kernel();
        machine.pagers().detach(machine.swapFile());
        store = open();
        machine.pagers().attach(store, 0);
    }

    @AfterEach
    void switchOff() {
        machine.close();
        store.close();
    }

    private FileStore open() throws IOException {
        return FileStore.open("only", directory.resolve("only"), SLOTS, false, false);
    }

    private void leave() {
        machine.pagers().detach(store);
        store.close();
    }

    private void comeBack() throws IOException {
        store = open();
        assertThat(machine.pagers().attach(store, 0)).isTrue();
    }

    private ModelProgram start(Cpu cpu) {
        return ModelProgram.start(kernel, "program " + cpu.number(), PAGES);
    }

    private void step(Cpu cpu, SplittableRandom random, ModelProgram program) {
        int page = random.nextInt(PAGES);
        program.run(cpu);
        if (random.nextInt(3) == 0) {
            program.store(cpu, page, random.nextLong());
        } else {
            program.check(cpu, page);
        }
        progress.release();
    }

    /**
     * Waits until a program waits for the store, or all of them for memory, which only page-outs to the store could
     * free.
     */
    @SuppressWarnings("ThreadPriorityCheck") // A thread that falls asleep tells nobody.
    private void awaitSleeper() {
        while (sleepers("swpark") == 0 && sleepers("pfault") < CPUS) {
            Thread.yield();
        }
    }

    private long sleepers(String waitMessage) {
        SleepQueue queue = kernel.machine().sleepQueue();
        return programs.stream()
                .filter(thread -> waitMessage.equals(queue.waitMessage(thread)))
                .count();
    }

    private void finish(List<CompletableFuture<Void>> all) throws Exception {
        Tasks.finish(all);
        assertThat(kernel.machine().panic()).isNull();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        assertThat(kernel.processes().all()).isEmpty();
        assertThat(kernel.swap().available()).isEqualTo(kernel.swap().total() - 2);
    }

    @Test
    void whoeverNeedsItWaitsUntilItIsBack() throws Exception {
        boot();
        machine.pagers().setLimits(FOR_EVER, FOR_EVER);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (Cpu cpu : kernel.machine().cpus()) {
            all.add(Tasks.start("cpu " + cpu.number(), () -> {
                programs.add(Thread.currentThread());
                SplittableRandom random = new SplittableRandom(seed + cpu.number());
                ModelProgram program = start(cpu);
                while (!done.get()) {
                    step(cpu, random, program);
                    if (random.nextInt(100) == 0) {
                        ModelProgram child = program.fork();
                        step(cpu, random, child);
                        program.run(cpu);
                        kernel.processes().exit(child.process);
                    }
                }
                program.checkAll(cpu);
                kernel.processes().exit(program.process);
            }));
        }
        all.add(Tasks.start("operator", () -> {
            progress.acquire(2_000);
            for (int i = 0; i < 15; i++) {
                leave();
                // Some go on with what is in memory until they need what is not.
                awaitSleeper();
                comeBack();
                progress.acquire(200);
            }
            done.set(true);
        }));
        finish(all);
    }

    @Test
    void afterTheDeadlineFaultsFailTypedAndNothingIsLost() throws Exception {
        boot();
        AtomicInteger failures = new AtomicInteger();
        // All at once, as one after the other would find room in memory.
        CyclicBarrier crowded = new CyclicBarrier(CPUS);
        CountDownLatch grown = new CountDownLatch(CPUS);
        CountDownLatch gone = new CountDownLatch(1);
        CountDownLatch suffered = new CountDownLatch(CPUS);
        CountDownLatch back = new CountDownLatch(1);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (Cpu cpu : kernel.machine().cpus()) {
            all.add(Tasks.start("cpu " + cpu.number(), () -> {
                SplittableRandom random = new SplittableRandom(seed + cpu.number());
                ModelProgram program = start(cpu);
                for (int i = 0; i < 1_500; i++) {
                    step(cpu, random, program);
                }
                crowded.await();
                // Enough memory for those who only look, and nobody is chosen to die, as nothing can be paged out for a
                // while.
                program.renew(0, KEPT);
                program.process.setProtected(true);
                // Two generations of shadows, one of which is left alone when its parent goes.
                ModelProgram child = program.fork();
                child.process.setProtected(true);
                grown.countDown();
                gone.await();
                int failed = 0;
                for (int round = 0; round < ROUNDS; round++) {
                    failed += fails(cpu, random, program) + fails(cpu, random, child);
                    ModelProgram brief = (random.nextBoolean() ? program : child).fork();
                    brief.process.setProtected(true);
                    failed += fails(cpu, random, brief);
                    program.run(cpu);
                    kernel.processes().exit(brief.process);
                }
                failures.addAndGet(failed);
                // Collapses what is parked, and splits and ends some of it.
                kernel.processes().exit(child.process);
                program.renew(KEPT + 10, KEPT + 20);
                suffered.countDown();
                back.await();
                program.checkAll(cpu);
                kernel.processes().exit(program.process);
            }));
        }
        all.add(Tasks.start("operator", () -> {
            grown.await();
            leave();
            gone.countDown();
            suffered.await();
            comeBack();
            back.countDown();
        }));
        finish(all);
        assertThat(failures.get()).isGreaterThanOrEqualTo(ROUNDS);
    }

    /** Looks at some pages that stayed; returns how many of them could not be had. What can be had is right. */
    private static int fails(Cpu cpu, SplittableRandom random, ModelProgram program) {
        program.run(cpu);
        int failed = 0;
        for (int i = 0; i < 10; i++) {
            try {
                program.check(cpu, KEPT + random.nextInt(PAGES - KEPT));
            } catch (MemoryFault fault) {
                // A child that is not protected yet may be chosen to die.
                boolean killed = program.process.killed();
                assertThat(fault.reason()).isEqualTo(killed ? KernReturn.NOT_RECEIVER : KernReturn.FAILURE);
                failed++;
            }
        }
        return failed;
    }
}
