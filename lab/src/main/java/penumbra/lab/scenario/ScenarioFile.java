// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.Consumer;
import penumbra.boot.Kernel;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.kern.Fidelity;

/**
 * A script with its name: a {@code boot} line and the operations that follow, each on a line of its own.
 *
 * @param name for messages
 * @param lines without line ends
 */
public record ScenarioFile(String name, List<String> lines) {
    /** Looks at the machine after a step; it is at rest. */
    public interface Observer {
        void after(ObjectNode step, Kernel kernel, Scenario scenario);
    }

    /**
     * Boots a machine and runs the script on it to its end.
     *
     * @throws BadScript with name and line number in front, when a line cannot be run
     * @throws UnmetExpectation likewise, when the state is not as the script expects
     */
    public void run(MachineBoot power, Fidelity fidelity, Consumer<ObjectNode> steps) {
        run(power, fidelity, (step, kernel, scenario) -> steps.accept(step));
    }

    /** Runs like {@link #run(MachineBoot, Fidelity, Consumer)} and shows the machine after each step. */
    public void run(MachineBoot power, Fidelity fidelity, Observer observer) {
        int line = 1;
        try {
            if (lines.isEmpty()) {
                throw new BadScript("expected boot MEM SWAP, found an empty script");
            }
            BootLine boot = BootLine.parse(lines.get(0));
            Kernel kernel = power.boot(MachineSettings.stepped(boot.pages(), boot.swapPages(), fidelity));
            AlternatingDaemon.replace(kernel);
            Scenario scenario = new Scenario(kernel);
            ObjectNode step = scenario.booted(1, lines.get(0));
            observer.after(step, kernel, scenario);
            while (line < lines.size() && !Scenario.ended(step)) {
                String text = lines.get(line++);
                if (!text.isBlank() && !text.startsWith("#")) {
                    step = scenario.step(line, text);
                    observer.after(step, kernel, scenario);
                }
            }
        } catch (BadScript e) {
            throw e.atLine(name, line);
        } catch (UnmetExpectation e) {
            throw e.atLine(name, line);
        }
    }
}
