// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the original printed for one script, compared step by step with what is found.
 *
 * <p>Steps print only what changed; both sides are kept whole here, so that a coarse level may change in fewer steps.
 */
final class Expectation {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final List<JsonNode> steps;
    private final Level level;
    private final Consumer<Difference> differences;
    private final State expected = new State();
    private final State found = new State();
    private int next;

    Expectation(List<JsonNode> steps, Level level, Consumer<Difference> differences) {
        this.steps = steps;
        this.level = level;
        this.differences = differences;
    }

    /** Compares the next step and reports its first difference, if there is one. */
    void compare(ObjectNode actual) {
        if (next == steps.size()) {
            report(actual, "", JSON.missingNode(), actual);
            return;
        }
        JsonNode wanted = steps.get(next++);
        if (Scenario.ended(wanted) || Scenario.ended(actual)) {
            compareEnd(wanted, actual);
            return;
        }
        expected.apply(wanted);
        found.apply(actual);
        if (report(actual, "ret", wanted.path("ret"), actual.path("ret"))) {
            return;
        }
        TreeSet<String> names = new TreeSet<>();
        for (JsonNode step : List.of(wanted, actual)) {
            step.path("objs").fieldNames().forEachRemaining(names::add);
            step.path("gone").forEach(name -> names.add(name.asText()));
        }
        for (String name : names) {
            if (report(actual, name, expected.object(name, level), found.object(name, level))) {
                return;
            }
        }
        names.clear();
        for (JsonNode step : List.of(wanted, actual)) {
            step.path("procs").fieldNames().forEachRemaining(names::add);
        }
        for (String name : names) {
            if (report(actual, name, expected.process(name, level), found.process(name, level))) {
                return;
            }
        }
        report(actual, "g", level.counters(wanted.path("g")), level.counters(actual.path("g")));
    }

    private void compareEnd(JsonNode wanted, ObjectNode actual) {
        for (String how : List.of("would_block", "panic")) {
            // A panic's words are each system's own; only its place counts.
            boolean same = how.equals("panic") && wanted.has(how) && actual.has(how);
            if (!same && report(actual, how, wanted.path(how), actual.path(how))) {
                return;
            }
        }
    }

    /** Reports the steps that the original went on to make. */
    void end() {
        if (next < steps.size()) {
            JsonNode wanted = steps.get(next);
            differences.accept(new Difference(
                    wanted.path("n").asInt(), wanted.path("op").asText(), "", "a step", "the end of the script"));
        }
    }

    private boolean report(ObjectNode step, String path, JsonNode wanted, JsonNode actual) {
        int number = step.has("n") ? step.path("n").asInt() : step.path("line").asInt();
        @Nullable
        Difference difference = Difference.between(number, step.path("op").asText(), path, wanted, actual);
        if (difference == null) {
            return false;
        }
        differences.accept(difference);
        return true;
    }

    private static final class State {
        private final Map<String, JsonNode> objects = new HashMap<>();
        private final Map<String, JsonNode> processes = new HashMap<>();

        void apply(JsonNode step) {
            step.path("objs").properties().forEach(field -> objects.put(field.getKey(), field.getValue()));
            step.path("gone").forEach(name -> objects.remove(name.asText()));
            step.path("procs").properties().forEach(field -> processes.put(field.getKey(), field.getValue()));
        }

        JsonNode object(String name, Level level) {
            @Nullable JsonNode state = objects.get(name);
            return state == null ? JSON.missingNode() : level.object(state);
        }

        JsonNode process(String name, Level level) {
            @Nullable JsonNode state = processes.get(name);
            return state == null ? JSON.missingNode() : level.process(state);
        }
    }
}
