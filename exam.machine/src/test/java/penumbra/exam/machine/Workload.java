// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.process.Process;

/**
 * A program that loads and stores at random on more pages than the machine has, and knows what each must hold. It carries on
 * when an access is refused, and never accepts a wrong value.
 */
final class Workload {
    private static final long BASE = 1 << 20;

    private final Kernel kernel;
    private final Process process;
    private final Cpu cpu;
    private final Random random;

    /** The word that each page holds, at its start and at its end. */
    private final long[] expected;

    private int refused;

    Workload(Kernel kernel, Cpu cpu, int pages, long seed) {
        this.kernel = kernel;
        this.random = new Random(seed);
        this.expected = new long[pages];
        this.cpu = cpu;
        this.process = kernel.processes().create("workload", new Cred(1001));
        KernReturn mapped = process.space().insert(null, 0, BASE, BASE + PageSize.bytes(pages), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        kernel.processes().run(cpu, process);
    }

    /** Accesses that were refused so far. */
    int refused() {
        return refused;
    }

    /** Whether the system chose the program to die. */
    boolean killed() {
        return process.killed();
    }

    /** Makes {@code count} accesses. */
    void run(int count) {
        for (int i = 0; i < count && !killed(); i++) {
            int page = random.nextInt(expected.length);
            if (random.nextInt(3) > 0) {
                store(page, random.nextLong() | 1);
            } else {
                load(page);
            }
        }
    }

    /** Loads every page; returns how many could not be. */
    int sweep() {
        int before = refused;
        for (int page = 0; page < expected.length && !killed(); page++) {
            load(page);
        }
        return refused - before;
    }

    private static long last(int page) {
        return BASE + PageSize.bytes(page + 1L) - Long.BYTES;
    }

    private void store(int page, long word) {
        cpu.enterUser();
        try {
            // The second store meets what the first made accessible, unless the page was taken away in between.
            cpu.store(BASE + PageSize.bytes(page), Long.BYTES, word);
            expected[page] = word;
            cpu.store(last(page), Long.BYTES, word);
        } catch (MemoryFault e) {
            refused++;
        } finally {
            cpu.leaveUser();
        }
    }

    private void load(int page) {
        cpu.enterUser();
        try {
            check(page, cpu.load(BASE + PageSize.bytes(page), Long.BYTES));
            check(page, cpu.load(last(page), Long.BYTES));
        } catch (MemoryFault e) {
            refused++;
        } finally {
            cpu.leaveUser();
        }
    }

    private void check(int page, long found) {
        if (found != expected[page]) {
            assertThat(Long.toHexString(found))
                    .as("page %d", page)
                    .isEqualTo(Long.toHexString(expected[page]));
        }
    }

    /** Ends the program. */
    void exit() {
        kernel.processes().exit(process);
    }
}
