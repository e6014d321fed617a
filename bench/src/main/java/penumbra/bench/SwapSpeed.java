// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.Interposed;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.inspect.CounterSource;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;
import penumbra.process.Process;

/**
 * Page-out and page-in beside plain transfers in the same file: of clusters by the pager alone, one at a time, as the
 * page daemon writes them, and on two CPUs, in turns with the plain ones, so that whatever else the host does hits all;
 * and of a program that writes, then reads, memory many times as large as the machine's, from its first page to its
 * last, with faults, page daemon and all.
 *
 * <pre>
 * SwapSpeed DIRECTORY [MEMORY_MB] [PROGRAM_MB] [ROUNDS] [cached]
 * </pre>
 *
 * <p>It prints megabytes a second, a line a round, and the medians; also the CPU time of the whole process while the
 * program runs, in microseconds for every 64 KiB, by which a run on a machine that is busy otherwise can be judged; and
 * last what a page-out costs without its transfer. With {@code cached} the file goes through the host's cache, which
 * says something only if the program is several times as large as the host's memory.
 */
public final class SwapSpeed {
    private static final String[] FIGURES = {
        "plain write",
        "clusters out",
        "daemon out",
        "program out",
        "plain read",
        "clusters in",
        "two CPUs in",
        "program in",
        "checksums",
        "cpu out",
        "cpu in"
    };

    /** Pages between which the ways to page are changed: few enough to be in memory all at once. */
    private static final int SLICE = 1024;

    private static final int ROUNDS_WITHOUT_DEVICE = 300;
    private static final String PAGES_OUT = "vm.stats.vm.v_swappgsout";
    private static final String PAGES_IN = "vm.stats.vm.v_swappgsin";

    private final Guest guest;
    private final SwapDisk disk;
    private final int memory;
    private final int pages;
    private final Cpu cpu;
    private final Process program;

    private SwapSpeed(Guest guest, SwapDisk disk, int memory, int pages) {
        this.guest = guest;
        this.disk = disk;
        this.memory = memory;
        this.pages = pages;
        this.cpu = guest.cpu(0);
        this.program = guest.program(cpu, pages);
    }

    /** Measures. */
    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 5) {
            System.err.println("usage: SwapSpeed DIRECTORY [MEMORY_MB] [PROGRAM_MB] [ROUNDS] [cached]");
            System.exit(2);
        }
        int memory = megabytes(args, 1, 32);
        int pages = megabytes(args, 2, 512);
        int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 7;
        boolean direct = args.length < 5;
        Path path = Path.of(args[0], "penumbra-speed.swap");
        MachineSettings settings = new MachineSettings(
                memory, 2L * (2L * pages + memory), path, 1, Execution.THREADED, Fidelity.CORRECTED, true);
        try (SwapDisk disk = new SwapDisk(path, settings.swapPages(), direct);
                Guest guest = new Guest(settings, Interposed.NOTHING.withSwapOpener(disk.opener()))) {
            new SwapSpeed(guest, disk, memory, pages).run(rounds);
        } finally {
            Files.deleteIfExists(path);
        }
        withoutDevice(settings);
    }

    /** A store that takes every page and keeps none. */
    private static final class Nowhere extends ForwardingStore<BackingStore> {
        Nowhere(BackingStore real) {
            super(real);
        }

        @Override
        public void write(long slot, ByteBuffer from) {
            from.position(from.limit());
        }
    }

    /**
     * Prints what the pager does for a page-out besides the transfer: the best of many rounds, whatever else the host
     * does.
     */
    private static void withoutDevice(MachineSettings settings) {
        MachineSettings temporary = new MachineSettings(
                settings.pages(), settings.swapPages(), null, 1, settings.execution(), settings.fidelity(), true);
        int pages = settings.pages();
        long best = Long.MAX_VALUE;
        try (Guest guest = new Guest(temporary, Interposed.NOTHING.withStore(Nowhere::new))) {
            for (int round = 0; round < ROUNDS_WITHOUT_DEVICE; round++) {
                SwapClusters clusters = new SwapClusters(guest.kernel(), pages);
                best = Math.min(best, clusters.outAll(pages));
                clusters.object().deallocate();
            }
        }
        System.out.printf(
                Locale.ROOT,
                "page-out without a device: %.1f microseconds for 64 KiB%n",
                best / 1e3 * BackingStore.MAX_RUN / pages);
    }

    private static int megabytes(String[] args, int at, int otherwise) {
        int megabytes = args.length > at ? Integer.parseInt(args[at]) : otherwise;
        return (int) PageSize.index((long) megabytes << 20);
    }

    private void run(int rounds) throws IOException {
        double[][] speeds = new double[FIGURES.length][rounds];
        for (int round = -1; round < rounds; round++) {
            double[] now = round();
            StringBuilder line = new StringBuilder(round < 0 ? "warm-up" : "round " + round);
            for (int i = 0; i < FIGURES.length; i++) {
                line.append(String.format(Locale.ROOT, "  %s %.0f", FIGURES[i], now[i]));
                if (round >= 0) {
                    speeds[i][round] = now[i];
                }
            }
            System.out.println(line);
        }
        Medians medians = new Medians(FIGURES, speeds);
        System.out.println(medians);
        medians.printRatio("clusters out", "plain write");
        medians.printRatio("daemon out", "plain write");
        medians.printRatio("program out", "plain write");
        medians.printRatio("clusters in", "plain read");
        medians.printRatio("two CPUs in", "plain read");
        medians.printRatio("program in", "plain read");
        System.out.printf(
                Locale.ROOT,
                "checksums: %.1f %% of the time of page-outs%n",
                100 * medians.ratio("clusters out", "checksums"));
    }

    /** One round; megabytes a second of each figure. */
    private double[] round() throws IOException {
        guest.map(program, pages);
        SwapClusters clusters = new SwapClusters(guest.kernel(), pages);
        SwapClusters others = new SwapClusters(guest.kernel(), pages);
        long plainWrite = 0;
        long clustersOut = 0;
        long daemonOut = 0;
        for (int slice = 0; slice < pages; slice += SLICE) {
            for (int page = slice; page < slice + SLICE; page += BackingStore.MAX_RUN) {
                plainWrite += disk.write(page);
                clustersOut += clusters.out(page);
            }
            daemonOut += others.outAsDaemon(slice, slice + SLICE);
        }
        long plainRead = 0;
        long clustersIn = 0;
        long twoIn = 0;
        for (int slice = 0; slice < pages; slice += SLICE) {
            for (int page = slice; page < slice + SLICE; page += BackingStore.MAX_RUN) {
                plainRead += disk.read(page);
                clustersIn += clusters.in(page);
            }
            twoIn += twoIn(clusters, others, slice);
        }
        clusters.object().deallocate();
        others.object().deallocate();
        long out = count(PAGES_OUT);
        long busy = cpuTime();
        long start = System.nanoTime();
        Guest.write(cpu, pages);
        long end = System.nanoTime();
        out = count(PAGES_OUT) - out;
        double programOut = speed(out, end - start);
        double busyOut = perChunk(out, cpuTime() - busy);
        // What is in memory yet, and dirty, goes first.
        Guest.read(cpu, 2 * memory);
        long in = count(PAGES_IN);
        busy = cpuTime();
        start = System.nanoTime();
        Guest.read(cpu, 2 * memory, pages);
        end = System.nanoTime();
        in = count(PAGES_IN) - in;
        double programIn = speed(in, end - start);
        double busyIn = perChunk(in, cpuTime() - busy);
        return new double[] {
            speed(pages, plainWrite),
            speed(pages, clustersOut),
            speed(pages, daemonOut),
            programOut,
            speed(pages, plainRead),
            speed(pages, clustersIn),
            speed(2 * pages, twoIn),
            programIn,
            speed(pages, disk.checksum(pages)),
            busyOut,
            busyIn
        };
    }

    /** Pages a slice of two objects in at the same time; returns the nanoseconds until both are in. */
    private static long twoIn(SwapClusters one, SwapClusters other, int slice) {
        long start = System.nanoTime();
        CompletableFuture<Void> second = CompletableFuture.runAsync(() -> other.inAll(slice, slice + SLICE));
        one.inAll(slice, slice + SLICE);
        second.join();
        return System.nanoTime() - start;
    }

    private static long cpuTime() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static double perChunk(long pages, long nanos) {
        return nanos / 1e3 * BackingStore.MAX_RUN / pages;
    }

    private long count(String name) {
        long[] found = {0};
        for (CounterSource source : guest.kernel().counters()) {
            source.forEach((each, value) -> found[0] += each.equals(name) ? value : 0);
        }
        return found[0];
    }

    private static double speed(long pages, long nanos) {
        return PageSize.bytes(pages) * 1e3 / nanos;
    }
}
