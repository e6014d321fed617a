// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Locale;
import penumbra.hw.Cpu;
import penumbra.process.Process;

/**
 * The counterpart of {@code linux/faults.c}: the same work, printed in the same way, so that a script can run both
 * alternately.
 *
 * <pre>
 * zero PAGES ROUNDS    ns a page: first write to anonymous memory
 * cow PAGES ROUNDS     ns a page: first write of a child to memory that it shares with its parent
 * fork PAGES ROUNDS    ns a fork: of a process that has touched its memory
 * scale PAGES ROUNDS   faults a second of two CPUs by those of one: independent processes, new memory
 * apart PAGES ROUNDS   the same, but the processes are on different machines, which share nothing but the host and the JVM
 * share PAGES ROUNDS   processor time of a fault alone by that of one beside the other CPU's: 1 if neither is in the
 *                      way; unlike scale, not changed by whatever else the host does
 * </pre>
 */
public final class Faults {
    /** Rounds before those that are printed, until the compiler is through. */
    private static final int WARM_UP = 30;

    private static final int SPARE = 8192;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final int pages;

    private Faults(int pages) {
        this.pages = pages;
    }

    /** Prints a line a round. */
    public static void main(String[] args) throws InterruptedException {
        if (args.length != 3) {
            System.err.println("usage: Faults zero|cow|fork|scale|apart|share PAGES ROUNDS");
            System.exit(2);
        }
        Faults faults = new Faults(Integer.parseInt(args[1]));
        int rounds = Integer.parseInt(args[2]);
        int cpus = args[0].equals("scale") || args[0].equals("share") ? 2 : 1;
        int others = args[0].equals("apart") ? faults.pages : 0;
        try (Guest guest = new Guest(2 * faults.pages + SPARE, cpus);
                Guest other = new Guest(others + SPARE, 1)) {
            Round round = faults.round(args[0], guest, other);
            for (int i = -WARM_UP; i < rounds; i++) {
                double cost = round.run();
                if (i >= 0) {
                    System.out.printf(Locale.ROOT, "%.2f%n", cost);
                }
            }
        }
    }

    /** One measurement. */
    private interface Round {
        double run() throws InterruptedException;
    }

    /** One CPU and the process that it runs. */
    private record Seat(Guest guest, Cpu cpu, Process program) {
        /** Gives the process new memory. */
        void renew(int pages) {
            guest.map(program, pages);
        }
    }

    private Seat seat(Guest guest, int number) {
        Cpu cpu = guest.cpu(number);
        return new Seat(guest, cpu, guest.program(cpu, pages));
    }

    private Round round(String what, Guest guest, Guest other) {
        Cpu cpu = guest.cpu(0);
        switch (what) {
            case "zero":
                Process program = guest.program(cpu, pages);
                return () -> {
                    guest.map(program, pages);
                    return touch(cpu) / pages;
                };
            case "cow":
                Process sharing = guest.program(cpu, pages);
                touch(cpu);
                return () -> inChild(guest, sharing);
            case "fork":
                Process forking = guest.program(cpu, pages);
                return () -> {
                    touch(cpu);
                    long start = System.nanoTime();
                    Process child = guest.fork(forking);
                    double cost = System.nanoTime() - start;
                    guest.kernel().processes().exit(child);
                    return cost;
                };
            case "scale":
                Seat first = seat(guest, 0);
                Seat second = seat(guest, 1);
                return () -> scale(first, second);
            case "apart":
                Seat here = seat(guest, 0);
                Seat there = seat(other, 0);
                return () -> scale(here, there);
            case "share":
                Seat left = seat(guest, 0);
                Seat right = seat(guest, 1);
                return () -> share(left, right);
            default:
                throw new IllegalArgumentException(what + ": expected zero, cow, fork, scale, apart or share");
        }
    }

    private double touch(Cpu cpu) {
        long start = System.nanoTime();
        Guest.write(cpu, pages);
        return System.nanoTime() - start;
    }

    private double inChild(Guest guest, Process parent) {
        Cpu cpu = guest.cpu(0);
        Process child = guest.fork(parent);
        guest.kernel().processes().run(cpu, child);
        double cost = touch(cpu) / pages;
        guest.kernel().processes().run(cpu, parent);
        guest.kernel().processes().exit(child);
        return cost;
    }

    /** One CPU alone, then both at once, each in a process and a thread of its own. */
    private double scale(Seat first, Seat second) throws InterruptedException {
        first.renew(pages);
        second.renew(pages);
        double alone = touch(first.cpu());
        first.renew(pages);
        Thread beside = new Thread(() -> touch(second.cpu()), "second cpu");
        long start = System.nanoTime();
        beside.start();
        touch(first.cpu());
        beside.join();
        double both = System.nanoTime() - start;
        return 2 * alone / both;
    }

    /** The same, by the time that the threads had a processor. */
    private double share(Seat first, Seat second) throws InterruptedException {
        first.renew(pages);
        second.renew(pages);
        double alone = burn(first.cpu());
        first.renew(pages);
        double[] beside = {0};
        Thread other = new Thread(() -> beside[0] = burn(second.cpu()), "second cpu");
        other.start();
        double both = burn(first.cpu());
        other.join();
        return 2 * alone / (both + beside[0]);
    }

    private double burn(Cpu cpu) {
        long start = THREADS.getCurrentThreadCpuTime();
        Guest.write(cpu, pages);
        return THREADS.getCurrentThreadCpuTime() - start;
    }
}
