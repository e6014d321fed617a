// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.boot.MachineBoot;
import penumbra.boot.MachineSettings;
import penumbra.kern.Fidelity;

/** The comparison of scripts with what the original printed for them, each on a fresh machine. */
public final class Conformance {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final MachineBoot power;
    private final Fidelity fidelity;
    private final Level level;

    /** A comparison of a machine of the given fidelity at the given level. */
    public Conformance(MachineBoot power, Fidelity fidelity, Level level) {
        this.power = power;
        this.fidelity = fidelity;
        this.level = level;
    }

    /**
     * Runs one script.
     *
     * @param observer sees the machine after each step
     * @return the first difference of each step that has one; empty when all is as expected
     * @throws BadScript when the script or its expectation cannot be read
     */
    public List<Difference> run(ScriptFolder folder, ScenarioFile script, ScenarioFile.Observer observer) {
        @Nullable List<String> printed = fidelity.corrected() ? folder.mended(script.name()) : null;
        if (printed == null) {
            printed = folder.original(script.name());
        }
        if (printed == null || printed.isEmpty()) {
            throw new BadScript(script.name() + ": expected " + script.name() + ".jsonl beside it");
        }
        List<JsonNode> steps = parse(script.name(), printed);
        List<Difference> differences = new ArrayList<>();
        Expectation expectation = new Expectation(steps, level, differences::add);
        int pages = steps.get(0).path("g").path("free").asInt();
        script.run(settings -> power.boot(withPages(settings, pages)), fidelity, (step, kernel, scenario) -> {
            expectation.compare(step);
            observer.after(step, kernel, scenario);
        });
        expectation.end();
        return differences;
    }

    private static MachineSettings withPages(MachineSettings settings, int pages) {
        return MachineSettings.stepped(pages, settings.swapPages(), settings.fidelity());
    }

    private static List<JsonNode> parse(String name, List<String> lines) {
        List<JsonNode> steps = new ArrayList<>();
        for (String line : lines) {
            try {
                steps.add(JSON.readTree(line));
            } catch (JsonProcessingException e) {
                throw new BadScript(name + ".jsonl:" + (steps.size() + 1) + ": expected one JSON object a line");
            }
        }
        return steps;
    }
}
