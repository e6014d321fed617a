// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.vm.pageout.PageoutDaemon;
import penumbra.vnode.Vnode;

/**
 * Operations of the kernel while other threads fault on the same pages, most of which are in swap or in a file. Each
 * page counts up, so that whoever looks knows what is too little and what is too much. Amounts of work are fixed.
 */
@Timeout(300)
class WholeMachineRacesTest {
    private static final int MEMORY_PAGES = 130;
    private static final long SWAP_PAGES = 8_192;
    private static final int CPUS = 5;
    private static final int PAGES = 160;
    private static final long BASE = 0x1000_0000L;
    private static final Cred USER = new Cred(1001);

    @TempDir
    Path folder;

    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final HandMachine machine = new HandMachine(
            new MachineSettings(MEMORY_PAGES, SWAP_PAGES, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true));
    private final Kernel kernel = machine.kernel();
    private final Crew crew = new Crew();
    private final long swapAtBoot = kernel.swap().available();

    @BeforeEach
    void tellTheSeed() {
        System.out.println("WholeMachineRacesTest: -Dpenumbra.seed=" + seed);
    }

    @AfterEach
    void powerOff() {
        machine.close();
    }

    private static long start(int page) {
        return BASE + PageSize.bytes(page);
    }

    private static void require(KernReturn result) {
        assertThat(result).isEqualTo(KernReturn.SUCCESS);
    }

    private Process program(String name) {
        Process process = kernel.processes().create(name, USER);
        require(process.space().insert(null, 0, start(0), start(PAGES), Prot.RW, Prot.ALL, 0));
        return process;
    }

    private Cpu cpu(int number, Process process) {
        Cpu cpu = kernel.machine().cpus().get(number);
        kernel.processes().run(cpu, process);
        return cpu;
    }

    private static long load(Cpu cpu, int page) {
        cpu.enterUser();
        try {
            return cpu.load(start(page), Long.BYTES);
        } finally {
            cpu.leaveUser();
        }
    }

    private static void store(Cpu cpu, int page, long value) {
        cpu.enterUser();
        try {
            cpu.store(start(page), Long.BYTES, value);
        } finally {
            cpu.leaveUser();
        }
    }

    /** What each page has counted to: begun before the store, done after it. */
    private static final class Counts {
        final AtomicLongArray begun = new AtomicLongArray(PAGES);
        final AtomicLongArray done = new AtomicLongArray(PAGES);

        static long[] snapshot(AtomicLongArray counts) {
            long[] copy = new long[PAGES];
            for (int page = 0; page < PAGES; page++) {
                copy[page] = counts.get(page);
            }
            return copy;
        }
    }

    /** Threads of {@code process}, one on each of CPUs 0 and 1, that count its pages up, each page by one of them. */
    private List<Thread> counters(Process process, Counts counts, int rounds) {
        return List.of(counter(process, counts, rounds, 0), counter(process, counts, rounds, 1));
    }

    private Thread counter(Process process, Counts counts, int rounds, int number) {
        Random order = new Random(random.nextLong());
        return crew.start("counter " + number, () -> {
            Cpu cpu = cpu(number, process);
            for (int i = 0; i < rounds * PAGES / 2 && !crew.troubled(); i++) {
                int page = order.nextInt(PAGES / 2) * 2 + number;
                long seen = load(cpu, page);
                if (seen != counts.done.get(page)) {
                    throw new AssertionError(
                            "page " + page + ": found " + seen + ", expected " + counts.done.get(page));
                }
                counts.begun.set(page, seen + 1);
                store(cpu, page, seen + 1);
                counts.done.set(page, seen + 1);
            }
        });
    }

    private static boolean alive(List<Thread> threads) {
        return threads.stream().anyMatch(Thread::isAlive);
    }

    /**
     * Reads all that a child inherited, pages {@code [0, pages)}: from between the two snapshots, and the same ever
     * after.
     */
    private static void verifyChild(Cpu cpu, int pages, long[] least, long[] most, Random which) {
        for (int round = 0; round < 2; round++) {
            for (int page = 0; page < pages; page++) {
                long seen = load(cpu, page);
                if (seen < least[page] || seen > most[page]) {
                    throw new AssertionError("page " + page + " of a child: found " + seen + ", expected " + least[page]
                            + " to " + most[page]);
                }
                if (which.nextInt(16) == 0) {
                    seen = -seen;
                    store(cpu, page, seen);
                }
                least[page] = seen;
                most[page] = seen;
            }
        }
    }

    private void verifyCounts(Process process, Counts counts) {
        Cpu cpu = cpu(0, process);
        for (int page = 0; page < PAGES; page++) {
            assertThat(load(cpu, page)).as("page %d", page).isEqualTo(counts.done.get(page));
        }
    }

    private long count(String name) {
        AtomicLong found = new AtomicLong();
        kernel.counters()
                .forEach(source -> source.forEach((counter, value) -> {
                    if (counter.equals(name)) {
                        found.set(value);
                    }
                }));
        return found.get();
    }

    /** Nobody runs any more, and nobody is left. */
    private void verifyAtRest() {
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.stop();
        assertThat(daemon.passes()).isPositive();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        assertThat(kernel.accounting().reserved()).isZero();
        assertThat(kernel.swap().available()).isEqualTo(swapAtBoot);
    }

    @Test
    void forkAgainstFaults() {
        Process parent = program("parent");
        Counts counts = new Counts();
        List<Thread> counters = counters(parent, counts, 40);
        Random which = new Random(random.nextLong());
        crew.start("forker", () -> {
            while (alive(counters) && !crew.troubled()) {
                long[] least = Counts.snapshot(counts.done);
                Process child = kernel.processes().fork(parent, "child");
                long[] most = Counts.snapshot(counts.begun);
                verifyChild(cpu(2, child), PAGES, least, most, which);
                kernel.processes().exit(child);
            }
        });
        crew.join();
        verifyCounts(parent, counts);
        kernel.processes().exit(parent);
        verifyAtRest();
    }

    /**
     * The child gets the first part of an object of which the parent keeps the rest, so that the fork moves pages, and
     * swap, to an object of their own while they are being faulted on: once for each new process. A fault that has
     * copied a page when the fork comes in between starts again, and must not leave the page that it copied mapped: the
     * child's exit frees it.
     */
    @Test
    void splitAgainstFaults() {
        for (int round = 0; round < 25; round++) {
            Process parent = program("parent" + round);
            Counts counts = new Counts();
            Cpu first = cpu(0, parent);
            for (int page = 0; page < PAGES; page++) {
                store(first, page, 0);
            }
            int inherited = PAGES / 4 + random.nextInt(PAGES / 2);
            require(parent.space().inherit(start(inherited), start(PAGES), Inheritance.NONE));
            List<Thread> counters = counters(parent, counts, 3);
            Random which = new Random(random.nextLong());
            crew.start("forker", () -> {
                long[] least = Counts.snapshot(counts.done);
                Process child = kernel.processes().fork(parent, "child");
                long[] most = Counts.snapshot(counts.begun);
                verifyChild(cpu(2, child), inherited, least, most, which);
                kernel.processes().exit(child);
            });
            crew.join();
            assertThat(alive(counters)).isFalse();
            verifyCounts(parent, counts);
            kernel.processes().exit(parent);
        }
        verifyAtRest();
    }

    /**
     * Children come and go in an order that merges objects behind and in front of those that the survivor faults on.
     */
    @Test
    void collapseAgainstFaults() {
        Process survivor = program("survivor");
        Counts counts = new Counts();
        List<Thread> counters = counters(survivor, counts, 40);
        Random which = new Random(random.nextLong());
        crew.start("family", () -> {
            do {
                Process child = kernel.processes().fork(survivor, "child");
                store(cpu(2, child), which.nextInt(PAGES), -1);
                Process grandchild = kernel.processes().fork(child, "grandchild");
                store(cpu(3, grandchild), which.nextInt(PAGES), -2);
                boolean childFirst = which.nextBoolean();
                kernel.processes().exit(childFirst ? child : grandchild);
                Process left = childFirst ? grandchild : child;
                store(cpu(2, left), which.nextInt(PAGES), -3);
                kernel.processes().exit(left);
            } while (alive(counters) && !crew.troubled());
        });
        crew.join();
        assertThat(count("vm.stats.object.collapses") + count("vm.stats.object.bypasses"))
                .isPositive();
        verifyCounts(survivor, counts);
        kernel.processes().exit(survivor);
        verifyAtRest();
    }

    /**
     * Every sync leaves in the file what had been written when it began, however many stores and page-outs come in
     * between.
     */
    @Test
    void pageCleanAgainstWrites() throws IOException {
        Path path = Files.write(folder.resolve("counts"), new byte[PAGES * PageSize.BYTES]);
        Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, path.toString(), true);
        Process process = kernel.processes().create("writer", USER);
        VmObject object = kernel.pagers().allocate(ObjectType.VNODE, vnode, PageSize.bytes(PAGES), Prot.ALL, 0, USER);
        require(process.space().insert(object, 0, start(0), start(PAGES), Prot.RW, Prot.ALL, MapFlags.INHERIT_SHARE));
        Counts counts = new Counts();
        List<Thread> counters = counters(process, counts, 40);
        crew.start("syncer", () -> {
            while (alive(counters) && !crew.troubled()) {
                long[] least = Counts.snapshot(counts.done);
                require(process.space().sync(start(0), start(PAGES), true, false));
                long[] found = contents(path);
                long[] most = Counts.snapshot(counts.begun);
                for (int page = 0; page < PAGES; page++) {
                    if (found[page] < least[page] || found[page] > most[page]) {
                        throw new AssertionError("page " + page + " of the file: found " + found[page] + ", expected "
                                + least[page] + " to " + most[page]);
                    }
                }
            }
        });
        crew.join();
        require(process.space().sync(start(0), start(PAGES), true, false));
        assertThat(contents(path)).isEqualTo(Counts.snapshot(counts.done));
        kernel.processes().exit(process);
        vnode.release();
        verifyAtRest();
    }

    private static long[] contents(Path path) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
            long[] words = new long[PAGES];
            for (int page = 0; page < PAGES; page++) {
                words[page] = bytes.getLong(page * PageSize.BYTES);
            }
            return words;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Processes end while the daemon writes their pages out, and nothing of them stays behind. */
    @Test
    void terminateAgainstPageout() {
        for (int t = 0; t < CPUS; t++) {
            int number = t;
            Random sizes = new Random(random.nextLong());
            crew.start("lives " + t, () -> {
                for (int round = 0; round < 40 && !crew.troubled(); round++) {
                    Process process = program("short" + number);
                    Cpu cpu = cpu(number, process);
                    int dirty = 1 + sizes.nextInt(PAGES);
                    for (int page = 0; page < dirty; page++) {
                        store(cpu, page, page);
                    }
                    kernel.processes().exit(process);
                }
            });
        }
        crew.join();
        verifyAtRest();
        assertThat(kernel.pages().counts().available()).isEqualTo(MEMORY_PAGES);
    }
}
