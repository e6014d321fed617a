// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;
import penumbra.process.Process;

/**
 * A program that loads and stores at random on more pages than the machine has, and knows what each must hold. It
 * carries on when an access is refused, and never accepts a wrong value.
 */
class Workload {
    private static final long BASE = 1 << 20;

    private final Kernel kernel;
    private final Process process;
    private final Cpu cpu;
    private final Random random;

    /** The word that each page begins with. */
    private final long[] first;

    /** The word that each page ends with. */
    private final long[] last;

    private int refused;

    /** A program with memory of its own. */
    Workload(Kernel kernel, Cpu cpu, int pages, long seed) {
        this(kernel, cpu, pages, seed, null);
    }

    /** A program with an object of zeroes mapped, whose reference it takes over; null for memory of its own. */
    Workload(Kernel kernel, Cpu cpu, int pages, long seed, @Nullable VmObject object) {
        this.kernel = kernel;
        this.random = new Random(seed);
        this.first = new long[pages];
        this.last = new long[pages];
        this.cpu = cpu;
        this.process = kernel.processes().create("workload", new Cred(1001));
        KernReturn mapped = process.space().insert(object, 0, BASE, BASE + PageSize.bytes(pages), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        resume();
    }

    /** Lets it run instead of another. */
    final void resume() {
        kernel.processes().run(cpu, process);
    }

    /** The word that a page begins with. */
    long first(int page) {
        return first[page];
    }

    /** The word that a page ends with. */
    long last(int page) {
        return last[page];
    }

    /** Accesses that were refused so far. */
    int refused() {
        return refused;
    }

    /** Whether the system chose the program to die. */
    boolean killed() {
        return process.killed();
    }

    /** Stores to every page. */
    void fill() {
        for (int page = 0; page < first.length; page++) {
            store(page, random.nextLong() | 1);
        }
    }

    /** Makes {@code count} accesses. */
    void run(int count) {
        for (int i = 0; i < count && !killed(); i++) {
            int page = random.nextInt(first.length);
            if (random.nextInt(3) == 0) {
                store(page, random.nextLong() | 1);
            } else {
                load(page);
            }
        }
    }

    /** Loads every page; returns how many could not be. */
    int sweep() {
        int before = refused;
        for (int page = 0; page < first.length && !killed(); page++) {
            load(page);
        }
        return refused - before;
    }

    private static long endOf(int page) {
        return BASE + PageSize.bytes(page + 1L) - Long.BYTES;
    }

    private void store(int page, long word) {
        cpu.enterUser();
        try {
            cpu.store(BASE + PageSize.bytes(page), Long.BYTES, word);
            first[page] = word;
            cpu.store(endOf(page), Long.BYTES, word);
            last[page] = word;
        } catch (MemoryFault e) {
            refused++;
        } finally {
            cpu.leaveUser();
        }
    }

    private void load(int page) {
        cpu.enterUser();
        try {
            check(page, cpu.load(BASE + PageSize.bytes(page), Long.BYTES), first[page]);
            check(page, cpu.load(endOf(page), Long.BYTES), last[page]);
        } catch (MemoryFault e) {
            refused++;
        } finally {
            cpu.leaveUser();
        }
    }

    private void check(int page, long found, long expected) {
        if (found != expected) {
            wrong(page, found, expected);
        }
    }

    /** Meets a word that was not stored there last, as nobody may unless a test says otherwise. */
    void wrong(int page, long found, long expected) {
        assertThat(Long.toHexString(found)).as("page %d", page).isEqualTo(Long.toHexString(expected));
    }

    /** Ends the program. */
    void exit() {
        kernel.processes().exit(process);
    }
}
