// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.process.Process;

/** Memory that is mapped 2 MiB at once, forked, and written from both sides at the same time. */
@Timeout(180)
class SuperpageForkTest {
    private static final int PAGES = 3 * 512;
    private static final long BASE = 1L << 30;
    private static final int STEPS = 10_000 * Integer.getInteger("penumbra.effort", 1);

    private static long address(int page) {
        return BASE + PageSize.bytes(page);
    }

    /** One side: what it must read, and its CPU. */
    private record Side(Kernel kernel, Process process, Cpu cpu, long[] contents, SplittableRandom random) {
        Void run() {
            kernel.processes().run(cpu, process);
            cpu.enterUser();
            try {
                for (int step = 0; step < STEPS; step++) {
                    int page = random.nextInt(PAGES);
                    if (random.nextInt(3) == 0) {
                        contents[page] = random.nextLong();
                        cpu.store(address(page), Long.BYTES, contents[page]);
                    } else {
                        check(page);
                    }
                }
                for (int page = 0; page < PAGES; page++) {
                    check(page);
                }
            } finally {
                cpu.leaveUser();
            }
            return null;
        }

        private void check(int page) {
            assertThat(cpu.load(address(page), Long.BYTES)).as("page %d", page).isEqualTo(contents[page]);
        }
    }

    /** Memory for everything, and for a third of it. */
    @ParameterizedTest
    @ValueSource(ints = {4 * PAGES, PAGES})
    void bothSidesKeepTheirContents(int memory) throws Exception {
        long seed = Long.getLong("penumbra.seed", System.nanoTime());
        System.out.println("SuperpageForkTest seed " + seed);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (HandMachine machine = new HandMachine(
                new MachineSettings(memory, 8 * PAGES, null, 2, Execution.THREADED, Fidelity.CORRECTED, true))) {
            Kernel kernel = machine.kernel();
            Process parent = kernel.processes().create("parent", new Cred(1001));
            KernReturn mapped =
                    parent.space().insert(null, 0, BASE, BASE + PageSize.bytes(PAGES), Prot.RW, Prot.ALL, 0);
            assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
            Cpu first = kernel.machine().cpus().get(0);
            kernel.processes().run(first, parent);
            long[] contents = new long[PAGES];
            first.enterUser();
            for (int page = 0; page < PAGES; page++) {
                contents[page] = page * 7L + 1;
                first.store(address(page), Long.BYTES, contents[page]);
            }
            first.leaveUser();
            boolean fits = memory > PAGES;
            if (fits) {
                assertThat(parent.space().pmap().path(address(600)))
                        .last()
                        .asString()
                        .contains(" PS ");
            }
            for (int round = 0; round < 3; round++) {
                SplittableRandom random = new SplittableRandom(seed + round);
                Process child = kernel.processes().fork(parent, "child " + round);
                if (round == 0 && fits) {
                    assertThat(child.space().pmap().residentCount()).isEqualTo(PAGES);
                }
                List<Future<?>> running = new ArrayList<>();
                Side mine = new Side(kernel, parent, first, contents, random.split());
                Side other = new Side(kernel, child, kernel.machine().cpus().get(1), contents.clone(), random.split());
                running.add(threads.submit(mine::run));
                running.add(threads.submit(other::run));
                for (Future<?> each : running) {
                    each.get();
                }
                kernel.processes().exit(child);
            }
            kernel.processes().exit(parent);
            if (fits) {
                // Else the daemon may be at work still.
                assertThat(kernel.checkInvariants(List.of()).messages())
                        .as("seed %d", seed)
                        .isEmpty();
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
