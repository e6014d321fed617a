// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.Objects;
import java.util.SplittableRandom;
import penumbra.hw.Cpu;
import penumbra.process.Process;

/**
 * Two processes that share memory of which most pages are still those that a third one inherited before. Each counts in
 * a word of its own of every page, and sees what the other has counted; the third sees nothing of it.
 */
final class Sharers {
    private static final int PAGES = 50;
    private static final int COUNTS = 120;
    private static final int SHARERS = 2;
    /** Where the word is that is written before the memory is shared. */
    private static final int OLD_WORD = SHARERS * Long.BYTES;

    private final Scenario scenario;
    /** By sharer and page: the count whose store has begun, and that whose store has ended. */
    private final long[][] begun = new long[SHARERS][PAGES];

    private final long[][] ended = new long[SHARERS][PAGES];

    Sharers(Scenario scenario) {
        this.scenario = scenario;
    }

    void prepare() {
        Process first = scenario.process("sharer 0", PAGES);
        Cpu cpu = scenario.cpu(0);
        scenario.kernel.processes().run(cpu, first);
        for (int page = 0; page < PAGES; page++) {
            store(cpu, Scenario.address(page) + OLD_WORD, page + 1);
        }
        Process heir = fork(first, "heir");
        Scenario.share(first.space(), PAGES);
        Process second = fork(first, "sharer 1");
        SplittableRandom firstDice = scenario.dice();
        scenario.schedule.task(first.name(), () -> count(0, firstDice));
        start(scenario.cpu(1), second);
        SplittableRandom secondDice = scenario.dice();
        scenario.schedule.task(second.name(), () -> count(1, secondDice));
        start(scenario.cpu(2), heir);
        SplittableRandom heirsDice = scenario.dice();
        scenario.schedule.task(heir.name(), () -> look(heirsDice));
    }

    private Process fork(Process from, String name) {
        return Objects.requireNonNull(scenario.kernel.processes().fork(from, name));
    }

    private void start(Cpu cpu, Process process) {
        scenario.kernel.processes().run(cpu, process);
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

    private void count(int own, SplittableRandom dice) {
        Cpu cpu = scenario.cpu(own);
        int other = 1 - own;
        for (int i = 0; i < COUNTS; i++) {
            int page = dice.nextInt(PAGES);
            long address = Scenario.address(page);
            if (dice.nextBoolean()) {
                long next = ended[own][page] + 1;
                begun[own][page] = next;
                store(cpu, address + (long) own * Long.BYTES, next);
                ended[own][page] = next;
            }
            long least = ended[other][page];
            long seen = load(cpu, address + (long) other * Long.BYTES);
            expect(cpu, page, seen, least, begun[other][page]);
            expect(cpu, page, load(cpu, address + OLD_WORD), page + 1, page + 1);
        }
    }

    private void look(SplittableRandom dice) {
        Cpu cpu = scenario.cpu(SHARERS);
        for (int i = 0; i < COUNTS; i++) {
            int page = dice.nextInt(PAGES);
            long address = Scenario.address(page);
            expect(cpu, page, load(cpu, address), 0, 0);
            expect(cpu, page, load(cpu, address + OLD_WORD), page + 1, page + 1);
        }
    }

    private static void expect(Cpu cpu, int page, long seen, long least, long most) {
        if (seen < least || seen > most) {
            throw new AssertionError(
                    String.format("%s: page %d has %d where %d to %d were possible", cpu, page, seen, least, most));
        }
    }
}
