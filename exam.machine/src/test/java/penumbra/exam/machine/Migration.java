// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import penumbra.hw.Cpu;
import penumbra.kern.KernReturn;
import penumbra.pager.BackingStore;
import penumbra.pager.swap.FileStore;
import penumbra.process.Process;

/**
 * Processes that come and go, and a page daemon, while an operator has their swapped pages moved between two stores.
 */
final class Migration {
    private static final int PROGRAMS = 2;
    private static final int PAGES = 90;
    private static final int LIVES = 3;
    private static final int ACCESSES = 80;
    private static final int MOVES = 6;

    private final Scenario scenario;
    private final BackingStore other;

    Migration(Scenario scenario) {
        this.scenario = scenario;
        this.other = new ScheduledStore(open(), scenario.schedule);
        assertThat(scenario.machine.pagers().attach(other, 0)).isTrue();
    }

    private static FileStore open() {
        try {
            Path path = Files.createTempFile("penumbra-", ".swap");
            Files.delete(path);
            return FileStore.open("other", path, 1024, false, true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void prepare() {
        for (int number = 0; number < PROGRAMS; number++) {
            String name = "program " + number;
            Cpu cpu = scenario.cpu(number);
            SplittableRandom dice = scenario.dice();
            scenario.schedule.task(name, () -> live(name, cpu, dice));
        }
        scenario.schedule.attendant("mover", scenario.kernel.swap()::drainStep);
        SplittableRandom dice = scenario.dice();
        scenario.schedule.task("operator", () -> operate(dice));
    }

    private void live(String name, Cpu cpu, SplittableRandom dice) {
        for (int life = 0; life < LIVES; life++) {
            Process process = scenario.process(name, PAGES);
            Scenario.Model model = new Scenario.Model(PAGES);
            scenario.kernel.processes().run(cpu, process);
            scenario.access(cpu, model, ACCESSES, dice);
            if (dice.nextBoolean()) {
                scenario.checkAll(cpu, model);
            }
            scenario.kernel.processes().exit(process);
        }
    }

    private void operate(SplittableRandom dice) {
        List<BackingStore> stores = List.of(scenario.machine.swapFile(), other);
        for (int move = 0; move < MOVES; move++) {
            assertThat(scenario.kernel.swap().use(stores.get(move % 2))).isEqualTo(KernReturn.SUCCESS);
            for (int i = dice.nextInt(2000); i > 0; i--) {
                scenario.schedule.point();
            }
        }
    }
}
