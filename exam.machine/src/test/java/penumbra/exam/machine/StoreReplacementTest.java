// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.page.Advice;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerStatus;
import penumbra.pager.swap.FileStore;
import penumbra.vm.pager.PagerLayer;

/**
 * Stores are replaced while eight CPUs run programs that fault, write, fork and exit in a machine whose memory is far
 * too small for them. What every page holds is known from arrays that share nothing with the VM.
 *
 * <p>{@code -Dpenumbra.replacements=N} sets how often, {@code -Dpenumbra.seed=N} repeats a run.
 */
@Timeout(3600)
class StoreReplacementTest {
    private static final int CPUS = 8;
    private static final int MEMORY = 400;
    private static final int PAGES = 160;
    private static final int SLOTS = 12_000;
    private static final int DEPTH = 3;

    /** Accesses between two looks at what else is to be done. */
    private static final int BURST = 24;

    private final int replacements = Integer.getInteger("penumbra.replacements", 500);
    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    private final MoverWaits waits = new MoverWaits();

    /** Handed out by the programs as they go on; a replacement takes some. */
    private final Semaphore progress = new Semaphore(0);

    private volatile boolean done;

    @TempDir
    private Path directory;

    private HandMachine machine;
    private Kernel kernel;
    private CyclicBarrier rest;

    @AfterEach
    void switchOff() {
        machine.close();
    }

    /** Accesses some pages, each access being a request that waits for no mover. */
    private void access(Cpu cpu, SplittableRandom random, ModelProgram program) {
        program.run(cpu);
        for (int i = 0; i < BURST; i++) {
            int page = random.nextInt(PAGES);
            waits.beginRequest();
            if (random.nextInt(3) == 0) {
                program.store(cpu, page, random.nextLong());
            } else {
                program.check(cpu, page);
            }
            assertThat(waits.inRequest()).as("clusters waited for").isZero();
        }
    }

    /** Lets a program and its children run; returns when all is done, or sooner. */
    private void run(Cpu cpu, SplittableRandom random, ModelProgram program, int depth) {
        int turns = depth == 0 ? Integer.MAX_VALUE : 4 + random.nextInt(20);
        for (int i = 0; i < turns && !done; i++) {
            access(cpu, random, program);
            progress.release();
            int dice = random.nextInt(16);
            int page = random.nextInt(PAGES);
            if (dice == 0 && depth < DEPTH) {
                ModelProgram child = program.fork();
                run(cpu, random, child, depth + 1);
                program.run(cpu);
                kernel.processes().exit(child.process);
            } else if (dice == 1) {
                program.renew(page, Math.min(PAGES, page + 1 + random.nextInt(24)));
            } else if (dice == 2) {
                long address = ModelProgram.BASE + PageSize.bytes(page);
                program.process.space().madvise(address, address + PageSize.bytes(8), Advice.DONTNEED);
            }
        }
    }

    private void serve(Cpu cpu) throws Exception {
        SplittableRandom random = new SplittableRandom(seed + cpu.number());
        ModelProgram program = ModelProgram.start(kernel, "program " + cpu.number(), PAGES);
        run(cpu, random, program, 0);
        program.checkAll(cpu);
        rest.await();
        // Here the machine is looked at.
        rest.await();
        program.checkAll(cpu);
        rest.await();
        kernel.processes().exit(program.process);
    }

    private void replace(List<BackingStore> stores) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(seed - 1);
        // Until memory has run out.
        progress.acquire(CPUS * 40);
        for (int i = 0; i < replacements; i++) {
            assertThat(kernel.swap().use(stores.get(i % stores.size()))).isEqualTo(KernReturn.SUCCESS);
            progress.acquire(random.nextInt(12));
        }
        done = true;
    }

    @Test
    void nothingIsLostStaleOrMixed() throws Exception {
        System.out.println("store replacements: " + replacements + ", seed " + seed);
        MachineSettings settings = new MachineSettings(
                        MEMORY, SLOTS, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true)
                .withCompressedPages(SLOTS);
        machine = new HandMachine(settings, Interposed.NOTHING.withMachine(waits::watch));
        kernel = machine.kernel();
        rest = new CyclicBarrier(CPUS + 1);
        PagerLayer layer = machine.pagers();
        try (FileStore second = FileStore.open("second", directory.resolve("swap"), SLOTS, false, false)) {
            layer.attach(second, 0);
            List<BackingStore> stores = List.copyOf(kernel.swap().stores());
            assertThat(stores).hasSize(3);
            long free = kernel.swap().available();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (Cpu cpu : kernel.machine().cpus()) {
                all.add(Tasks.start("cpu " + cpu.number(), () -> serve(cpu)));
            }
            all.add(Tasks.start("operator", () -> {
                replace(stores);
                rest.await();
                kernel.swap().awaitDrained();
                checkAtRest();
                rest.await();
                rest.await();
            }));
            Tasks.finish(all);
            System.out.println(waits);
            kernel.swap().awaitDrained();
            checkAtRest();
            assertThat(kernel.swap().available()).as("every slot is free again").isEqualTo(free);
            for (PagerStatus line : layer.pagers().status()) {
                System.out.println(line);
            }
            assertThat(kernel.machine().panic()).isNull();
            layer.detach(second);
        }
    }

    /** Looks at the machine when the daemon's last writes have ended. */
    private void checkAtRest() {
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }
}
