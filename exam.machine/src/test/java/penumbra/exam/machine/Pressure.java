// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.SplittableRandom;
import penumbra.hw.Cpu;
import penumbra.process.Process;

/** Programs that together need more memory than there is, while the page daemon takes it away from them. */
final class Pressure {
    private static final int PROGRAMS = 2;
    private static final int PAGES = 90;
    private static final int ACCESSES = 250;

    private final Scenario scenario;

    Pressure(Scenario scenario) {
        this.scenario = scenario;
    }

    void prepare() {
        for (int number = 0; number < PROGRAMS; number++) {
            Cpu cpu = scenario.cpu(number);
            Process process = scenario.process("program " + number, PAGES);
            Scenario.Model model = new Scenario.Model(PAGES);
            SplittableRandom dice = scenario.dice();
            scenario.kernel.processes().run(cpu, process);
            scenario.schedule.task(process.name(), () -> scenario.access(cpu, model, ACCESSES, dice));
        }
    }
}
