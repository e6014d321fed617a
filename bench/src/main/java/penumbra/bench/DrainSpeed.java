// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.exam.machine.Interposed;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.pager.BackingStore;
import penumbra.pager.swap.FileStore;
import penumbra.pager.swap.SwapFileSettings;
import penumbra.process.Process;

/**
 * The replacement of one swap file by another, past the host's cache: how fast pages are drained beside plain loops
 * over the same files, and how long faults take meanwhile.
 *
 * <pre>
 * DrainSpeed DIRECTORY [MEGABYTES] [ROUNDS] [SECONDS]
 * </pre>
 *
 * <p>A round drains an object of so many megabytes, and one of a 16th, from one file to the other. Then a program loads
 * at random from memory 16 times the machine's, for so many seconds at rest and for as many while its pages go to and
 * fro.
 */
public final class DrainSpeed {
    private static final int MEMORY = 4096;
    private static final int PROGRAM = 16 * MEMORY;

    /** What is drained besides the full amount, to see whether the cost follows. */
    private static final int PART = 16;

    private static final String[] FIGURES = {"plain write", "plain read", "plain copy", "drain", "drain of a 16th"};

    private final Guest guest;
    private final Kernel kernel;
    private final SwapDisk first;
    private final SwapDisk second;
    private final BackingStore[] stores;
    private int current;
    private volatile boolean draining;
    private volatile boolean done;

    private DrainSpeed(Guest guest, SwapDisk first, SwapDisk second, BackingStore other) {
        this.guest = guest;
        this.kernel = guest.kernel();
        this.first = first;
        this.second = second;
        this.stores = new BackingStore[] {guest.machine().swapFile(), other};
    }

    /** Measures. */
    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length < 1 || args.length > 4) {
            System.err.println("usage: DrainSpeed DIRECTORY [MEGABYTES] [ROUNDS] [SECONDS]");
            System.exit(2);
        }
        int pages = (int) PageSize.index((args.length > 1 ? Long.parseLong(args[1]) : 256) << 20);
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 7;
        int seconds = args.length > 3 ? Integer.parseInt(args[3]) : 10;
        Path one = Path.of(args[0], "penumbra-drain-1.swap");
        Path two = Path.of(args[0], "penumbra-drain-2.swap");
        long slots = 2 * (Math.max(pages, PROGRAM) + 2L * MEMORY);
        MachineSettings settings =
                new MachineSettings(MEMORY, slots, one, 1, Execution.THREADED, Fidelity.CORRECTED, true);
        try (SwapDisk first = new SwapDisk(one, slots, true);
                SwapDisk second = new SwapDisk(two, slots, true);
                Guest guest = new Guest(settings, Interposed.NOTHING.withSwapOpener(first.opener()));
                FileStore other = FileStore.open(
                        new SwapFileSettings("second", two, slots, false, false, false), second.opener())) {
            guest.machine().pagers().attach(other, 0);
            DrainSpeed speed = new DrainSpeed(guest, first, second, other);
            speed.transfers(pages, rounds);
            speed.faults(seconds);
            guest.machine().pagers().detach(other);
        } finally {
            Files.deleteIfExists(one);
            Files.deleteIfExists(two);
        }
    }

    /** Puts the other store in the place of the one in use; returns the nanoseconds until that is empty. */
    private long replace() {
        current = 1 - current;
        long start = System.nanoTime();
        kernel.swap().use(stores[current]);
        kernel.swap().awaitDrained();
        return System.nanoTime() - start;
    }

    private void transfers(int pages, int rounds) throws IOException {
        double[][] speeds = new double[FIGURES.length][rounds];
        kernel.swap().use(stores[0]);
        for (int round = -1; round < rounds; round++) {
            double[] now = {
                speed(pages, first.writeAll(pages)),
                speed(pages, first.readAll(pages)),
                speed(pages, first.copyTo(second, pages)),
                drain(pages),
                drain(pages / PART)
            };
            for (int i = 0; i < now.length && round >= 0; i++) {
                speeds[i][round] = now[i];
            }
        }
        Medians medians = new Medians(FIGURES, speeds);
        System.out.println("MB/s: " + medians);
        medians.printRatio("drain", "plain write");
        medians.printRatio("drain", "plain copy");
        medians.printRatio("drain of a 16th", "drain");
    }

    private double drain(int pages) {
        SwapClusters clusters = new SwapClusters(kernel, pages);
        clusters.outAll(pages);
        double speed = speed(pages, replace());
        clusters.object().deallocate();
        return speed;
    }

    private static double speed(long pages, long nanos) {
        return PageSize.bytes(pages) * 1e3 / nanos;
    }

    private void faults(int seconds) throws InterruptedException {
        Cpu cpu = guest.cpu(0);
        Process program = guest.program(cpu, PROGRAM);
        Guest.write(cpu, PROGRAM);
        Guest.read(cpu, PROGRAM);
        long phase = TimeUnit.SECONDS.toNanos(seconds);
        load(cpu, new Histogram(3), phase / 2, false);
        Histogram rest = new Histogram(3);
        load(cpu, rest, phase, false);
        Thread operator = new Thread(this::goToAndFro, "operator");
        operator.start();
        Histogram meanwhile = new Histogram(3);
        load(cpu, meanwhile, phase, true);
        done = true;
        operator.join();
        kernel.processes().exit(program);
        print("at rest", rest);
        print("during drains", meanwhile);
        System.out.printf(
                Locale.ROOT,
                "99th percentile during drains / at rest: %.2f%n",
                (double) meanwhile.getValueAtPercentile(99) / rest.getValueAtPercentile(99));
    }

    private void goToAndFro() {
        while (!done) {
            draining = true;
            replace();
            draining = false;
        }
    }

    /** Loads at random for {@code nanos}, and records each load, or only those wholly during a drain. */
    private void load(Cpu cpu, Histogram times, long nanos, boolean duringDrains) {
        SplittableRandom random = new SplittableRandom(1);
        long end = System.nanoTime() + nanos;
        cpu.enterUser();
        for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
            boolean before = draining;
            cpu.load(Guest.BASE + PageSize.bytes(random.nextInt(PROGRAM)), Long.BYTES);
            if (!duringDrains || (before && draining)) {
                times.recordValue(System.nanoTime() - start);
            }
        }
        cpu.leaveUser();
    }

    private static void print(String when, Histogram times) {
        System.out.printf(
                Locale.ROOT,
                "loads %s: %d, microseconds: median %.0f, 90%% %.0f, 99%% %.0f, 99.9%% %.0f, longest %.0f%n",
                when,
                times.getTotalCount(),
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(90) / 1e3,
                times.getValueAtPercentile(99) / 1e3,
                times.getValueAtPercentile(99.9) / 1e3,
                times.getMaxValue() / 1e3);
    }
}
