// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.List;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.HandMachine;
import penumbra.exam.machine.Interposed;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.process.Process;

/**
 * A machine, with memory enough that nothing is ever paged out unless it is told otherwise, and programs on it that map
 * memory and touch it.
 *
 * <p>A program's memory starts at {@link #BASE}, on a boundary of every page size.
 */
final class Guest implements AutoCloseable {
    /** Where the memory of a program starts. */
    static final long BASE = 1L << 30;

    private static final Cred USER = new Cred(1001);

    /** Slots of the swap file: what is promised to programs must be there, though nothing is written to it. */
    private static final long SWAP_PAGES = 1L << 21;

    private final HandMachine machine;

    /** Boots a machine of {@code pages} pages. */
    Guest(int pages, int cpus) {
        this(
                new MachineSettings(pages, SWAP_PAGES, null, cpus, Execution.THREADED, Fidelity.CORRECTED, true),
                Interposed.NOTHING);
    }

    /** Boots a machine whose memory need not be enough. */
    Guest(MachineSettings settings, Interposed between) {
        machine = new HandMachine(settings, between);
    }

    HandMachine machine() {
        return machine;
    }

    Kernel kernel() {
        return machine.kernel();
    }

    Cpu cpu(int number) {
        return kernel().machine().cpus().get(number);
    }

    /** A process that {@code cpu} runs, with {@code pages} pages of anonymous memory, untouched. */
    Process program(Cpu cpu, int pages) {
        Process process = kernel().processes().create("bench", USER);
        map(process, pages);
        kernel().processes().run(cpu, process);
        return process;
    }

    /** Maps {@code pages} untouched pages in place of what the process had. */
    void map(Process process, int pages) {
        KernReturn result = process.space().fixed(null, 0, BASE, PageSize.bytes(pages), Prot.RW, Prot.ALL, 0);
        if (!result.ok()) {
            throw new IllegalStateException("mapping " + pages + " pages: " + result);
        }
    }

    /** A child of {@code parent}. */
    Process fork(Process parent) {
        Process child = kernel().processes().fork(parent, "child");
        if (child == null) {
            throw new IllegalStateException("no swap for a child");
        }
        return child;
    }

    /** Stores a word in each page. */
    static void write(Cpu cpu, int pages) {
        cpu.enterUser();
        for (long page = 0; page < pages; page++) {
            cpu.store(BASE + PageSize.bytes(page), Long.BYTES, ~page);
        }
        cpu.leaveUser();
    }

    /** Loads a word of each page. */
    static long read(Cpu cpu, int pages) {
        return read(cpu, 0, pages);
    }

    /** Loads a word of each page of {@code [first, end)}. */
    static long read(Cpu cpu, int first, int end) {
        long sum = 0;
        cpu.enterUser();
        for (long page = first; page < end; page++) {
            sum += cpu.load(BASE + PageSize.bytes(page), Long.BYTES);
        }
        cpu.leaveUser();
        return sum;
    }

    /** The frames of the first {@code pages} pages, in the order of their addresses. */
    int[] frames(Process process, int pages) {
        int[] frames = new int[pages];
        for (int page = 0; page < pages; page++) {
            frames[page] = process.space().pmap().extract(BASE + PageSize.bytes(page));
        }
        return frames;
    }

    /** Ends all processes, checks every invariant, and switches the machine off. */
    @Override
    public void close() {
        for (Process process : kernel().processes().all()) {
            kernel().processes().exit(process);
        }
        List<String> violations = kernel().checkInvariants(List.of()).messages();
        machine.close();
        if (!violations.isEmpty()) {
            throw new IllegalStateException(String.join("\n", violations));
        }
    }
}
