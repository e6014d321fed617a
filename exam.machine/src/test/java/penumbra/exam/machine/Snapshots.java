// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import java.util.SplittableRandom;
import penumbra.hw.Cpu;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.process.Process;

/**
 * A process of two threads that count, each in a word of its own of every page, and of which children are made
 * meanwhile. What a child sees in a word is neither older than the fork's beginning nor younger than its end; what it
 * writes itself its parent never sees.
 */
final class Snapshots {
    private static final int PAGES = 24;
    private static final int COUNTS = 120;
    private static final int CHILDREN = 3;
    private static final int THREADS = 2;
    private static final int CHILDS_WORD = THREADS * Long.BYTES;

    private final Scenario scenario;
    private final Process parent;
    /** How many pages children inherit; if not all, the first fork splits the object. */
    private final int inherited;
    /** By thread and page: the count whose store has begun, and that whose store has ended. */
    private final long[][] begun = new long[THREADS][PAGES];

    private final long[][] ended = new long[THREADS][PAGES];

    Snapshots(Scenario scenario) {
        this.scenario = scenario;
        this.parent = scenario.process("parent", PAGES);
        this.inherited = scenario.random.nextBoolean() ? PAGES : PAGES / 2;
        assertThat(parent.space().inherit(Scenario.address(inherited), Scenario.address(PAGES), Inheritance.NONE))
                .isEqualTo(KernReturn.SUCCESS);
    }

    void prepare() {
        for (int number = 0; number < THREADS; number++) {
            int thread = number;
            Cpu cpu = scenario.cpu(number);
            SplittableRandom dice = scenario.dice();
            scenario.kernel.processes().run(cpu, parent);
            scenario.schedule.task("thread " + number, () -> count(cpu, thread, dice));
        }
        SplittableRandom dice = scenario.dice();
        scenario.schedule.task("forks", () -> {
            for (int child = 0; child < CHILDREN; child++) {
                fork("child " + child, dice);
            }
        });
    }

    private long load(Cpu cpu, long address) {
        return scenario.schedule.user(cpu, () -> cpu.load(address, Long.BYTES));
    }

    private void store(Cpu cpu, long address, long value) {
        scenario.schedule.user(cpu, () -> {
            cpu.store(address, Long.BYTES, value);
            return true;
        });
    }

    private void count(Cpu cpu, int thread, SplittableRandom dice) {
        for (int i = 0; i < COUNTS; i++) {
            int page = dice.nextInt(PAGES);
            long address = Scenario.address(page) + (long) thread * Long.BYTES;
            long before = ended[thread][page];
            begun[thread][page] = before + 1;
            store(cpu, address, before + 1);
            ended[thread][page] = before + 1;
            expect("count", cpu, page, load(cpu, address), before + 1, before + 1);
            expect("word of children", cpu, page, load(cpu, Scenario.address(page) + CHILDS_WORD), 0, 0);
        }
    }

    private void fork(String name, SplittableRandom dice) {
        long[][] oldest = copy(ended);
        Process child = Objects.requireNonNull(scenario.kernel.processes().fork(parent, name));
        long[][] youngest = copy(begun);
        Cpu cpu = scenario.cpu(THREADS);
        scenario.kernel.processes().run(cpu, child);
        for (int page = 0; page < inherited; page++) {
            long address = Scenario.address(page);
            if (dice.nextBoolean()) {
                store(cpu, address + CHILDS_WORD, page + 1);
            }
            for (int thread = 0; thread < THREADS; thread++) {
                long seen = load(cpu, address + (long) thread * Long.BYTES);
                expect(name, cpu, page, seen, oldest[thread][page], youngest[thread][page]);
            }
        }
        scenario.kernel.processes().exit(child);
    }

    private static void expect(String what, Cpu cpu, int page, long seen, long least, long most) {
        if (seen < least || seen > most) {
            throw new AssertionError(String.format(
                    "%s on %s: page %d has %d where %d to %d were possible", what, cpu, page, seen, least, most));
        }
    }

    private static long[][] copy(long[][] from) {
        long[][] copy = new long[from.length][];
        for (int i = 0; i < from.length; i++) {
            copy[i] = from[i].clone();
        }
        return copy;
    }
}
