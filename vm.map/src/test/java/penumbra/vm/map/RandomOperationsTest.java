// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.page.Advice;
import penumbra.vm.map.Rig.User;

/**
 * Random operations by several processes against a model that knows nothing of objects: each page of a process is
 * absent, or a cell with a number, which inheritance shares or copies. Every invariant is checked after every step.
 */
class RandomOperationsTest {
    private static final int PAGES = 24;
    private static final int STEPS = 300;
    private static final int MOST_PROCESSES = 5;

    /** The contents of a page; two processes that share it have the same. */
    private static final class Cell {
        long value;
        /** Whether several processes have had it: what is shared cannot be copied any more, only shared further. */
        boolean shared;

        Cell(long value) {
            this.value = value;
        }
    }

    private static final class Modelled {
        final User user;
        final Cell[] cells = new Cell[PAGES];
        final int[] prot = new int[PAGES];
        final boolean[] wired = new boolean[PAGES];
        final Inheritance[] inheritance = new Inheritance[PAGES];

        Modelled(User user) {
            this.user = user;
        }

        boolean anyWired(int from, int count) {
            for (int i = from; i < from + count; i++) {
                if (wired[i]) {
                    return true;
                }
            }
            return false;
        }

        boolean anyShared(int from, int count) {
            return Arrays.stream(cells, from, from + count).anyMatch(cell -> cell != null && cell.shared);
        }

        boolean allMapped(int from, int count) {
            return Arrays.stream(cells, from, from + count).allMatch(cell -> cell != null);
        }
    }

    private final List<Modelled> processes = new ArrayList<>();
    private int named;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233})
    void everyProcessReadsWhatItShould(long seed) {
        Random random = new Random(seed);
        try (Rig rig = Rig.corrected()) {
            processes.add(new Modelled(rig.user("p" + named++)));
            for (int step = 0; step < STEPS; step++) {
                Modelled process = processes.get(random.nextInt(processes.size()));
                int from = random.nextInt(PAGES);
                int count = 1 + random.nextInt(Math.min(8, PAGES - from));
                operate(rig, process, random, from, count);
                assertThat(rig.violations().messages())
                        .as("seed %d, step %d", seed, step)
                        .isEmpty();
            }
            for (Modelled process : processes) {
                compare(process);
            }
        }
    }

    private void operate(Rig rig, Modelled process, Random random, int from, int count) {
        switch (random.nextInt(14)) {
            case 0, 1 -> map(process, from, count, random.nextBoolean());
            case 2 -> unmap(process, from, count);
            case 3, 4, 5 -> write(process, from, random.nextInt(1_000_000));
            case 6 -> read(process, from);
            case 7 -> protect(process, random, from, count);
            case 8 -> inherit(process, random, from, count);
            case 9 -> fork(process);
            case 10 -> exit(process);
            case 11 -> wire(process, from, count);
            case 12 -> rig.evictSome(1 + random.nextInt(6));
            default -> advise(process, random, from, count);
        }
    }

    private static void map(Modelled process, int from, int count, boolean shared) {
        boolean free = Arrays.stream(process.cells, from, from + count).allMatch(cell -> cell == null);
        int flags = shared ? MapFlags.INHERIT_SHARE : 0;
        KernReturn result = process.user.map(BASE + from, count, Prot.RW, flags);
        assertThat(result).isEqualTo(free ? KernReturn.SUCCESS : KernReturn.NO_SPACE);
        for (int i = from; free && i < from + count; i++) {
            process.cells[i] = new Cell(0);
            process.prot[i] = Prot.RW;
            process.wired[i] = false;
            process.inheritance[i] = shared ? Inheritance.SHARE : Inheritance.COPY;
        }
    }

    private static void unmap(Modelled process, int from, int count) {
        process.user.unmap(BASE + from, count);
        Arrays.fill(process.cells, from, from + count, null);
        Arrays.fill(process.wired, from, from + count, false);
    }

    private static KernReturn expected(Modelled process, int page, int access) {
        if (process.cells[page] == null) {
            return KernReturn.INVALID_ADDRESS;
        }
        return (process.prot[page] & access) != 0 ? KernReturn.SUCCESS : KernReturn.PROTECTION_FAILURE;
    }

    private static void write(Modelled process, int page, long value) {
        KernReturn expected = expected(process, page, Prot.WRITE);
        if (expected.ok()) {
            process.user.write(BASE + page, value);
            process.cells[page].value = value;
        } else {
            assertThat(process.user.touch(BASE + page, Prot.WRITE)).isEqualTo(expected);
        }
    }

    private static void read(Modelled process, int page) {
        KernReturn expected = expected(process, page, Prot.READ);
        if (expected.ok()) {
            assertThat(process.user.read(BASE + page)).isEqualTo(process.cells[page].value);
        } else {
            assertThat(process.user.touch(BASE + page, Prot.READ)).isEqualTo(expected);
        }
    }

    private static void compare(Modelled process) {
        for (int page = 0; page < PAGES; page++) {
            read(process, page);
        }
    }

    private static void protect(Modelled process, Random random, int from, int count) {
        int prot = new int[] {Prot.NONE, Prot.READ, Prot.RW}[random.nextInt(3)];
        assertThat(process.user.protect(BASE + from, count, prot)).isEqualTo(KernReturn.SUCCESS);
        Arrays.fill(process.prot, from, from + count, prot);
    }

    private static void inherit(Modelled process, Random random, int from, int count) {
        Inheritance inheritance = Inheritance.values()[random.nextInt(3)];
        if (inheritance == Inheritance.COPY && process.anyShared(from, count)) {
            return;
        }
        process.user.space().inherit(at(BASE + from), at(BASE + from + count), inheritance);
        Arrays.fill(process.inheritance, from, from + count, inheritance);
    }

    private void fork(Modelled process) {
        if (processes.size() == MOST_PROCESSES) {
            return;
        }
        Modelled child = new Modelled(process.user.fork("p" + named++));
        for (int i = 0; i < PAGES; i++) {
            Cell cell = process.cells[i];
            if (cell != null && process.inheritance[i] != Inheritance.NONE) {
                cell.shared |= process.inheritance[i] == Inheritance.SHARE;
                child.cells[i] = cell.shared ? cell : new Cell(cell.value);
                child.prot[i] = process.prot[i];
                child.inheritance[i] = process.inheritance[i];
            }
        }
        processes.add(child);
    }

    private void exit(Modelled process) {
        if (processes.size() > 1) {
            compare(process);
            process.user.exit();
            processes.remove(process);
        }
    }

    private static void wire(Modelled process, int from, int count) {
        boolean wired = process.anyWired(from, count);
        KernReturn result = wired ? process.user.unwire(BASE + from, count) : process.user.wire(BASE + from, count);
        boolean possible = process.allMapped(from, count);
        for (int i = from; !wired && possible && i < from + count; i++) {
            possible = (process.prot[i] & Prot.READ) != 0;
        }
        assertThat(result).isEqualTo(possible ? KernReturn.SUCCESS : KernReturn.INVALID_ADDRESS);
        if (possible) {
            Arrays.fill(process.wired, from, from + count, !wired);
        }
    }

    private static void advise(Modelled process, Random random, int from, int count) {
        Advice advice = List.of(
                        Advice.NORMAL,
                        Advice.RANDOM,
                        Advice.SEQUENTIAL,
                        Advice.WILLNEED,
                        Advice.DONTNEED,
                        Advice.NOSYNC)
                .get(random.nextInt(6));
        process.user.space().madvise(at(BASE + from), at(BASE + from + count), advice);
    }
}
