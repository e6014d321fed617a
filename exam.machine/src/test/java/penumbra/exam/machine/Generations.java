// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.process.Process;

/**
 * A line of processes of which each is forked from the one before, which then goes on beside it for a while and dies.
 * So every one stands in front of a chain of objects that is just being merged.
 */
final class Generations {
    private static final int PAGES = 60;
    private static final int LENGTH = 5;
    private static final int ACCESSES = 50;

    private final Scenario scenario;
    private final ArrayDeque<Old> olds = new ArrayDeque<>();
    private boolean ended;

    /** A process that has a child, and what its memory contains. */
    private record Old(Process process, Scenario.Model model) {}

    Generations(Scenario scenario) {
        this.scenario = scenario;
    }

    void prepare() {
        Process first = scenario.process("generation 0", PAGES);
        SplittableRandom youngDice = scenario.dice();
        SplittableRandom oldDice = scenario.dice();
        scenario.schedule.task("young", () -> goOn(first, youngDice));
        scenario.schedule.task("old", () -> grow(oldDice));
    }

    private void goOn(Process first, SplittableRandom dice) {
        Process process = first;
        Scenario.Model model = new Scenario.Model(PAGES);
        Cpu cpu = scenario.cpu(0);
        for (int generation = 1; generation <= LENGTH; generation++) {
            scenario.kernel.processes().run(cpu, process);
            scenario.access(cpu, model, ACCESSES, dice);
            Process child =
                    Objects.requireNonNull(scenario.kernel.processes().fork(process, "generation " + generation));
            scenario.kernel.processes().run(cpu, child);
            olds.add(new Old(process, model));
            process = child;
            model = model.copy();
        }
        scenario.access(cpu, model, ACCESSES, dice);
        ended = true;
        scenario.checkAll(cpu, model);
    }

    private void grow(SplittableRandom dice) {
        Cpu cpu = scenario.cpu(1);
        while (!ended || !olds.isEmpty()) {
            @Nullable Old old = olds.poll();
            if (old == null) {
                scenario.schedule.point();
            } else {
                scenario.kernel.processes().run(cpu, old.process);
                scenario.access(cpu, old.model, dice.nextInt(ACCESSES / 2), dice);
                scenario.kernel.processes().exit(old.process);
            }
        }
    }
}
