// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.process.Process;

/**
 * A program with some anonymous memory, and what each page of it must hold, in an array that shares nothing with the
 * VM; 0 for pages that were never touched. One CPU runs it at a time.
 */
final class ModelProgram {
    static final long BASE = 1 << 20;

    /** Where in a page the second copy of its tag lies, so that a page of two halves shows. */
    private static final int FAR = PageSize.BYTES - Long.BYTES;

    private static final Cred USER = new Cred(1001);

    final Process process;
    private final Kernel kernel;
    private final long[] tags;

    private ModelProgram(Kernel kernel, Process process, long[] tags) {
        this.kernel = kernel;
        this.process = process;
        this.tags = tags;
    }

    /** A fresh program with {@code pages} pages. */
    static ModelProgram start(Kernel kernel, String name, int pages) {
        Process process = kernel.processes().create(name, USER);
        KernReturn mapped = process.space().insert(null, 0, BASE, BASE + PageSize.bytes(pages), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        return new ModelProgram(kernel, process, new long[pages]);
    }

    /** A child with the same memory. */
    ModelProgram fork() {
        Process child = kernel.processes().fork(process, "child of " + process.pid());
        return new ModelProgram(kernel, Objects.requireNonNull(child), tags.clone());
    }

    int pages() {
        return tags.length;
    }

    /** Lets {@code cpu} run this program until it runs another. */
    void run(Cpu cpu) {
        kernel.processes().run(cpu, process);
    }

    /** Stores to a page that {@code cpu} runs this program for; the model knows of it if it succeeds. */
    void store(Cpu cpu, int page, long tag) {
        long address = BASE + PageSize.bytes(page);
        cpu.enterUser();
        try {
            cpu.store(address, Long.BYTES, tag);
            cpu.store(address + FAR, Long.BYTES, tag);
        } finally {
            cpu.leaveUser();
        }
        tags[page] = tag;
    }

    /** Compares a page with the model. */
    void check(Cpu cpu, int page) {
        long address = BASE + PageSize.bytes(page);
        long first;
        long second;
        cpu.enterUser();
        try {
            first = cpu.load(address, Long.BYTES);
            second = cpu.load(address + FAR, Long.BYTES);
        } finally {
            cpu.leaveUser();
        }
        if (first != tags[page] || second != tags[page]) {
            throw new AssertionError(
                    String.format("%s page %d holds %x and %x, not %x", process, page, first, second, tags[page]));
        }
    }

    void checkAll(Cpu cpu) {
        run(cpu);
        for (int page = 0; page < tags.length; page++) {
            check(cpu, page);
        }
    }

    /** Unmaps pages {@code [from, to)} and maps empty ones in their place. */
    void renew(int from, int to) {
        long start = BASE + PageSize.bytes(from);
        KernReturn mapped = process.space().fixed(null, 0, start, PageSize.bytes(to - from), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        Arrays.fill(tags, from, to, 0);
    }
}
