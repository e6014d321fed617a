// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.page.Advice;
import penumbra.process.Process;

/**
 * A tree of processes that fork, read, write and change what their children get, each with a model of its memory.
 * Children run side by side as long as CPUs are idle, else in their parent's place.
 */
final class Tree {
    private static final int DEPTH = 6;
    private static final int WIDTH = 3;
    private static final int PAGES = 48;
    private static final int MOST_IN_RANGE = 12;
    private static final int MOST_WIRED = 3;
    /** What a process does before each of its forks, and after the last. */
    private static final int OPERATIONS = 24;

    private static final long BASE = 0x4000_0000L;
    private static final int LAST_WORD = PageSize.BYTES - Long.BYTES;
    private static final Cred USER = new Cred(1001);

    private final Kernel kernel;
    private final Crew crew;
    private final BlockingQueue<Cpu> idle;
    private final BooleanSupplier growing;
    private final LongAdder processes = new LongAdder();

    /**
     * @param idle CPUs that nobody drives
     * @param growing whether more processes are wanted
     */
    Tree(Kernel kernel, Crew crew, BlockingQueue<Cpu> idle, BooleanSupplier growing) {
        this.kernel = kernel;
        this.crew = crew;
        this.idle = idle;
        this.growing = growing;
    }

    /** How many processes there have been. */
    long processes() {
        return processes.sum();
    }

    /** Lets the whole tree live and die on {@code cpu} and whichever are idle. */
    void grow(Cpu cpu, long seed) {
        Process root = kernel.processes().create("root", USER);
        Node node = new Node(root, new Cell[PAGES], 0, new Random(seed));
        node.mapAnew(0, PAGES);
        node.live(cpu);
    }

    /** One process. */
    private final class Node {
        private final Process process;
        private final Cell[] cells;
        private final Inheritance[] inheritance = new Inheritance[PAGES];
        private final int depth;
        private final Random random;
        private final List<Thread> children = new ArrayList<>();

        Node(Process process, Cell[] cells, int depth, Random random) {
            this.process = process;
            this.cells = cells;
            this.depth = depth;
            this.random = random;
            Arrays.fill(inheritance, Inheritance.COPY);
            processes.increment();
        }

        void live(Cpu cpu) {
            for (int child = 0; child < WIDTH; child++) {
                operate(cpu);
                if (mayFork()) {
                    fork(cpu);
                }
            }
            operate(cpu);
            children.forEach(crew::await);
            for (int page = 0; page < PAGES; page++) {
                read(cpu, page);
            }
            kernel.processes().exit(process);
        }

        private void operate(Cpu cpu) {
            kernel.processes().run(cpu, process);
            for (int i = 0; i < OPERATIONS && !crew.troubled(); i++) {
                int from = random.nextInt(PAGES);
                int count = 1 + random.nextInt(Math.min(MOST_IN_RANGE, PAGES - from));
                switch (random.nextInt(16)) {
                    case 0, 1 -> inherit(from, count);
                    case 2 -> advise(from, count);
                    case 3 -> protect(cpu, from, count);
                    case 4 -> wire(cpu, from, Math.min(MOST_WIRED, count));
                    case 5 -> mapAnew(from, count);
                    case 6, 7, 8, 9, 10 -> read(cpu, from);
                    case 11 -> {
                        for (int page = from; page < from + count; page++) {
                            write(cpu, page);
                        }
                    }
                    default -> write(cpu, from);
                }
            }
        }

        private boolean mayFork() {
            return depth < DEPTH && !crew.troubled() && growing.getAsBoolean();
        }

        private void fork(Cpu cpu) {
            @Nullable Process child = kernel.processes().fork(process, process.name() + "." + children.size());
            if (child == null) {
                throw new AssertionError("no swap for a child of " + process.name());
            }
            Cell[] inherited = new Cell[PAGES];
            Node node = new Node(child, inherited, depth + 1, new Random(random.nextLong()));
            for (int page = 0; page < PAGES; page++) {
                @Nullable Cell cell = cells[page];
                node.inheritance[page] = inheritance[page];
                if (cell != null && inheritance[page] == Inheritance.SHARE) {
                    cell.share();
                    inherited[page] = cell;
                } else if (cell != null && inheritance[page] == Inheritance.COPY) {
                    inherited[page] = cell.copy();
                }
            }
            @Nullable Cpu other = idle.poll();
            if (other == null) {
                node.live(cpu);
                kernel.processes().run(cpu, process);
            } else {
                children.add(crew.start(child.name(), () -> {
                    node.live(other);
                    idle.add(other);
                }));
            }
        }

        private long start(int page) {
            return BASE + PageSize.bytes(page);
        }

        private void require(KernReturn result, String what) {
            if (!result.ok()) {
                throw new AssertionError(what + " in " + process.name() + ": " + result);
            }
        }

        void mapAnew(int from, int count) {
            var space = process.space();
            require(space.remove(start(from), start(from + count)), "unmap");
            require(space.insert(null, 0, start(from), start(from + count), Prot.RW, Prot.ALL, 0), "map");
            for (int page = from; page < from + count; page++) {
                cells[page] = new Cell(0, 0);
                inheritance[page] = Inheritance.COPY;
            }
        }

        /**
         * Memory that several have in common is only ever handed on or left out: nobody could tell what a copy would
         * show.
         */
        private void inherit(int from, int count) {
            Inheritance wanted = Inheritance.values()[random.nextInt(3)];
            boolean shared = Arrays.stream(cells, from, from + count).anyMatch(cell -> cell != null && cell.shared());
            if (wanted != Inheritance.COPY || !shared) {
                require(process.space().inherit(start(from), start(from + count), wanted), "minherit");
                Arrays.fill(inheritance, from, from + count, wanted);
            }
        }

        private void advise(int from, int count) {
            Advice[] advice = {Advice.DONTNEED, Advice.WILLNEED, Advice.SEQUENTIAL, Advice.NORMAL};
            process.space().madvise(start(from), start(from + count), advice[random.nextInt(advice.length)]);
        }

        private void protect(Cpu cpu, int from, int count) {
            require(process.space().protect(start(from), start(from + count), Prot.READ), "protect");
            read(cpu, from);
            require(process.space().protect(start(from), start(from + count), Prot.RW), "protect");
        }

        private void wire(Cpu cpu, int from, int count) {
            if (Arrays.stream(cells, from, from + count).allMatch(cell -> cell != null)) {
                require(process.space().wire(start(from), start(from + count), MapFlags.WIRE_USER), "wire");
                write(cpu, from);
                read(cpu, from + count - 1);
                if (mayFork() && random.nextInt(8) == 0) {
                    fork(cpu);
                }
                require(process.space().unwire(start(from), start(from + count), MapFlags.WIRE_USER), "unwire");
            }
        }

        private void write(Cpu cpu, int page) {
            @Nullable Cell cell = cells[page];
            if (cell == null) {
                return;
            }
            cpu.enterUser();
            try {
                if (cell.shared()) {
                    increment(cpu, start(page), cell);
                } else {
                    long value = random.nextLong();
                    cpu.store(start(page), Long.BYTES, value);
                    cpu.store(start(page) + LAST_WORD, Long.BYTES, ~value);
                    cell.set(value, ~value);
                }
            } finally {
                cpu.leaveUser();
            }
        }

        private void increment(Cpu cpu, long address, Cell cell) {
            cell.beginIncrement();
            long seen;
            do {
                seen = cpu.load(address, Long.BYTES);
            } while (!cpu.compareAndSet(address, seen, seen + 1));
            cell.endIncrement();
        }

        private void read(Cpu cpu, int page) {
            @Nullable Cell cell = cells[page];
            if (cell == null || crew.troubled()) {
                return;
            }
            long least = cell.least();
            cpu.enterUser();
            long first;
            long last;
            try {
                first = cpu.load(start(page), Long.BYTES);
                last = cpu.load(start(page) + LAST_WORD, Long.BYTES);
            } finally {
                cpu.leaveUser();
            }
            long most = cell.most();
            // The numbers may wrap around, their differences do not.
            if (first - least < 0 || most - first < 0 || last != cell.last()) {
                throw new AssertionError("page " + page + " of " + process.name() + " (pid " + process.pid()
                        + (cell.shared() ? ", shared" : "") + "): found " + first + " and " + last + ", expected "
                        + least
                        + (least == most ? "" : " to " + most) + " and " + cell.last());
            }
        }
    }
}
