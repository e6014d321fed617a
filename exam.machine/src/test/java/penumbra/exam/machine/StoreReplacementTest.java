// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.page.Advice;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerStatus;
import penumbra.process.Process;
import penumbra.vm.pager.PagerLayer;

/**
 * Stores are replaced while eight CPUs run programs that fault, write, fork and exit in a machine whose memory is far too
 * small for them. What every page holds is known from arrays that share nothing with the VM.
 *
 * <p>{@code -Dpenumbra.replacements=10000} makes a long run of it, {@code -Dpenumbra.seed=N} repeats one.
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

    private static final long BASE = 1 << 20;
    private static final Cred USER = new Cred(1001);

    /** Where in a page the second copy of its tag lies, so that a page of two halves shows. */
    private static final int FAR = PageSize.BYTES - Long.BYTES;

    private final int replacements = Integer.getInteger("penumbra.replacements", 500);
    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    private final MoverWaits waits = new MoverWaits();
    private final AtomicInteger begun = new AtomicInteger();

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

    /** One program with what each page must hold; 0 for untouched ones, as the memory itself. */
    private final class Program {
        final Process process;
        final long[] tags;

        Program(Process process, long[] tags) {
            this.process = process;
            this.tags = tags;
        }

        void access(Cpu cpu, SplittableRandom random) {
            kernel.processes().run(cpu, process);
            for (int i = 0; i < BURST; i++) {
                touch(cpu, random, random.nextInt(PAGES));
            }
        }

        private void store(Cpu cpu, long address, long tag) {
            int before = beginRequest(cpu);
            try {
                cpu.store(address, Long.BYTES, tag);
            } finally {
                endRequest(cpu, before);
            }
        }

        private long load(Cpu cpu, long address) {
            int before = beginRequest(cpu);
            try {
                return cpu.load(address, Long.BYTES);
            } finally {
                endRequest(cpu, before);
            }
        }

        private int beginRequest(Cpu cpu) {
            waits.beginRequest();
            cpu.enterUser();
            return begun.get();
        }

        /** A replacement that begins during a request may move its page once more. */
        private void endRequest(Cpu cpu, int before) {
            cpu.leaveUser();
            assertThat(waits.inRequest()).as("clusters waited for").isLessThanOrEqualTo(1 + begun.get() - before);
        }

        private void touch(Cpu cpu, SplittableRandom random, int page) {
            long address = BASE + PageSize.bytes(page);
            if (random.nextInt(3) == 0) {
                long tag = random.nextLong();
                store(cpu, address, tag);
                store(cpu, address + FAR, tag);
                tags[page] = tag;
            } else {
                check(cpu, page);
            }
        }

        private void check(Cpu cpu, int page) {
            long address = BASE + PageSize.bytes(page);
            long first = load(cpu, address);
            long second = load(cpu, address + FAR);
            if (first != tags[page] || second != tags[page]) {
                throw new AssertionError(String.format(
                        "%s page %d holds %x and %x, not %x", process, page, first, second, tags[page]));
            }
        }

        void checkAll(Cpu cpu) {
            kernel.processes().run(cpu, process);
            for (int page = 0; page < PAGES; page++) {
                check(cpu, page);
            }
        }

        /** Unmaps some pages and maps empty ones in their place. */
        void renew(SplittableRandom random) {
            int from = random.nextInt(PAGES);
            int to = Math.min(PAGES, from + 1 + random.nextInt(24));
            long start = BASE + PageSize.bytes(from);
            KernReturn mapped = process.space().fixed(null, 0, start, PageSize.bytes(to - from), Prot.RW, Prot.ALL, 0);
            assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
            java.util.Arrays.fill(tags, from, to, 0);
        }
    }

    private Program start(Cpu cpu) {
        Process process = kernel.processes().create("program " + cpu.number(), USER);
        KernReturn mapped = process.space().insert(null, 0, BASE, BASE + PageSize.bytes(PAGES), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        return new Program(process, new long[PAGES]);
    }

    /** Lets a program and its children run; returns when all is done, or sooner. */
    private void run(Cpu cpu, SplittableRandom random, Program program, int depth) {
        int turns = depth == 0 ? Integer.MAX_VALUE : 4 + random.nextInt(20);
        for (int i = 0; i < turns && !done; i++) {
            program.access(cpu, random);
            progress.release();
            int dice = random.nextInt(16);
            if (dice == 0 && depth < DEPTH) {
                Process forked = kernel.processes().fork(program.process, "child of " + program.process.pid());
                Program child = new Program(Objects.requireNonNull(forked), program.tags.clone());
                run(cpu, random, child, depth + 1);
                kernel.processes().run(cpu, program.process);
                kernel.processes().exit(child.process);
            } else if (dice == 1) {
                program.renew(random);
            } else if (dice == 2) {
                int page = random.nextInt(PAGES);
                long address = BASE + PageSize.bytes(page);
                program.process.space().madvise(address, address + PageSize.bytes(8), Advice.DONTNEED);
            }
        }
    }

    private void serve(Cpu cpu) throws Exception {
        SplittableRandom random = new SplittableRandom(seed + cpu.number());
        Program program = start(cpu);
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
            begun.incrementAndGet();
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
        try (var second = penumbra.pager.swap.FileStore.open("second", directory.resolve("swap"), SLOTS, false, false)) {
            layer.attach(second, 0);
            List<BackingStore> stores = List.copyOf(kernel.swap().stores());
            assertThat(stores).hasSize(3);
            long free = kernel.swap().available();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (Cpu cpu : kernel.machine().cpus()) {
                all.add(thread("cpu " + cpu.number(), () -> serve(cpu)));
            }
            all.add(thread("operator", () -> {
                replace(stores);
                rest.await();
                kernel.swap().awaitDrained();
                checkAtRest();
                rest.await();
                rest.await();
            }));
            finish(all);
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

    private interface Work {
        void run() throws Exception;
    }

    private static CompletableFuture<Void> thread(String name, Work work) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                        result.complete(null);
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return result;
    }

    /** Waits for all, or for the first that fails. */
    private void finish(List<CompletableFuture<Void>> all) throws Exception {
        BlockingQueue<CompletableFuture<Void>> finished = new LinkedBlockingQueue<>();
        for (CompletableFuture<Void> each : all) {
            each.whenComplete((nothing, thrown) -> finished.add(each)).exceptionally(thrown -> null);
        }
        for (int i = 0; i < all.size(); i++) {
            @Nullable CompletableFuture<Void> next = finished.take();
            next.get();
        }
    }
}
