// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.inspect.Holder;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.VmObject;
import penumbra.process.Process;

/**
 * A script that runs on one machine, line by line: after each step it tells what the step answered and which objects
 * and processes look different.
 */
public final class Scenario {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private static final String EXPECT = "expect";

    /** What an expected value is when nothing must be there. */
    private static final String NOTHING = "none";

    private final Kernel kernel;
    private final Session session;
    private final StatePrinter printer;
    private final Map<String, Operation> operations = new TreeMap<>();
    private Map<String, ObjectNode> objects = new LinkedHashMap<>();
    private final Map<String, ObjectNode> processes = new LinkedHashMap<>();
    private JsonNode answer = JSON.nullNode();

    /** A script that starts on a machine as it is. */
    public Scenario(Kernel kernel) {
        this.kernel = kernel;
        this.session = new Session(kernel);
        this.printer = new StatePrinter(session);
        Stream.of(
                        List.of(BootLine.operation()),
                        new ObjectOperations(session).all(),
                        new PageOperations(session).all(),
                        new MapOperations(session).all(),
                        new CallOperations(session).all(),
                        new DeviceOperations(session).all(),
                        new MachineOperations(session).all(),
                        List.of(Operation.of(EXPECT + " [original|corrected] PLACE VALUE", this::expect)))
                .flatMap(List::stream)
                .forEach(operation -> operations.put(operation.name(), operation));
    }

    /** The operations by name, each with its line, for help: name and arguments. */
    public Map<String, String> usages() {
        Map<String, String> usages = new TreeMap<>();
        operations.forEach((name, operation) -> usages.put(name, operation.usage()));
        return usages;
    }

    /** What the script keeps in its own hands, for the invariants checker. */
    public Holder holdings() {
        return session.holdings();
    }

    /** The step that a {@code boot} line makes: the state of the empty machine. */
    public ObjectNode booted(int number, String line) {
        return result(number, line, JSON.numberNode(0));
    }

    /**
     * Runs one line.
     *
     * @param number its number, from 1
     * @return what the original prints for it; {@link #ended} tells whether it is the last
     * @throws BadScript when the line cannot be run; nothing was done then
     */
    public ObjectNode step(int number, String line) {
        try {
            JsonNode ret = run(line);
            return result(number, line, ret);
        } catch (WouldBlock e) {
            return end(number, line, "would_block", e.waitMessage());
        } catch (KernelPanic e) {
            return end(number, line, "panic", String.valueOf(e.getMessage()));
        }
    }

    /**
     * Runs one line without a look at the state.
     *
     * @return what it answers
     * @throws BadScript when the line cannot be run; nothing was done then
     */
    JsonNode run(String line) {
        List<String> words = List.of(line.strip().split("\\s+"));
        @Nullable Operation operation = operations.get(words.get(0));
        if (operation == null) {
            throw new BadScript("\"" + words.get(0) + "\" is no operation: expected one of "
                    + String.join(" ", operations.keySet()));
        }
        if (!operation.takes(words.size() - 1)) {
            throw new BadScript(operation.name() + ": expected " + operation.usage() + ", found \"" + line + "\"");
        }
        JsonNode ret = operation.run(new Arguments(operation, words.subList(1, words.size())));
        if (!operation.name().equals(EXPECT)) {
            answer = ret;
        }
        return ret;
    }

    /** Compares a place of the state with what it should be: one of the values between bars. */
    private JsonNode expect(Arguments a) {
        @Nullable String when = a.oneOf("original", "corrected");
        StatePath place = StatePath.parse(a.word("PLACE"));
        String expected = a.word("VALUE");
        boolean concerned = when == null
                || when.equals("corrected") == kernel.machine().fidelity().corrected();
        if (concerned) {
            String found = shown(place.in(state(place.root())));
            if (!List.of(expected.split("\\|")).contains(found)) {
                throw new UnmetExpectation("expected " + expected + " at " + place.text() + ", found " + found);
            }
        }
        return JSON.numberNode(0);
    }

    /** A value as scripts write it: without quotes and blanks. */
    private static String shown(JsonNode node) {
        return node.isMissingNode() || node.isNull()
                ? NOTHING
                : node.toString().replace("\"", "").replace(" ", "");
    }

    private JsonNode state(String name) {
        return switch (name) {
            case "ret" -> answer;
            case "g" -> printer.counters();
            default -> {
                @Nullable JsonNode object = objects.get(name);
                @Nullable JsonNode process = processes.get(name);
                yield object != null ? object : process != null ? process : MissingNode.getInstance();
            }
        };
    }

    private static ObjectNode end(int number, String line, String how, String why) {
        return JSON.objectNode().put("line", number).put("op", line).put(how, why);
    }

    /** Whether {@code step} shows that the machine cannot go on. */
    public static boolean ended(JsonNode step) {
        return step.has("would_block") || step.has("panic");
    }

    private ObjectNode result(int number, String line, JsonNode ret) {
        ObjectNode step = JSON.objectNode();
        step.put("n", number);
        step.put("op", line);
        step.set("ret", ret);
        changedObjects(step);
        changedProcesses(step);
        step.set("g", printer.counters());
        return step;
    }

    private void changedObjects(ObjectNode step) {
        Map<String, VmObject> present = new LinkedHashMap<>();
        kernel.objects().forEach(object -> {
            if (object != kernel.objects().kernelObject()
                    && object != kernel.objects().kmemObject()) {
                present.put(StatePrinter.nameOf(object), object);
            }
        });
        ObjectNode changed = step.putObject("objs");
        Map<String, ObjectNode> now = new LinkedHashMap<>();
        present.forEach((name, object) -> {
            ObjectNode state = printer.object(object);
            now.put(name, state);
            if (!state.equals(objects.get(name))) {
                changed.set(name, state);
            }
        });
        List<String> gone =
                objects.keySet().stream().filter(name -> !now.containsKey(name)).toList();
        if (!gone.isEmpty()) {
            ArrayNode array = step.putArray("gone");
            gone.forEach(array::add);
        }
        objects = now;
    }

    private void changedProcesses(ObjectNode step) {
        ObjectNode changed = JSON.objectNode();
        processes.keySet().retainAll(session.processes().keySet());
        for (Map.Entry<String, Process> entry : session.processes().entrySet()) {
            ObjectNode state = printer.process(entry.getValue());
            if (!state.equals(processes.put(entry.getKey(), state))) {
                changed.set(entry.getKey(), state);
            }
        }
        if (!changed.isEmpty()) {
            step.set("procs", changed);
        }
    }
}
