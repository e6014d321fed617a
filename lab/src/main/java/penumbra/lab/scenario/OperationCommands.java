// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import penumbra.boot.Kernel;
import penumbra.inspect.CommandFailure;
import penumbra.inspect.Holder;
import penumbra.lab.boot.KernelServices;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * The operations of scripts as commands of the shell, on the machine that runs: each answers what {@code ./vm scenario}
 * prints for it. Processes and references that they make last as long as the machine.
 *
 * <p>They drive the first CPU, so nothing else may run programs meanwhile.
 */
@Component(
        service = {OperationCommands.class, Holder.class},
        immediate = true)
@GogoCommand(
        scope = "vm",
        function = {"op", "operations"})
public final class OperationCommands implements Holder {
    /** Operations that are no commands: one that only a script can begin with, and one whose name leaves the prompt. */
    private static final Set<String> WITHOUT_COMMAND = Set.of("boot", "exit");

    private final Scenario scenario;
    private final List<ServiceRegistration<?>> commands = new ArrayList<>();
    private int lines;

    /** Offers the operations on the machine of {@code services}. */
    @Activate
    public OperationCommands(BundleContext context, @Reference KernelServices services) {
        this(services.kernel());
        for (String operation : scenario.usages().keySet()) {
            if (!WITHOUT_COMMAND.contains(operation)) {
                Hashtable<String, Object> properties = new Hashtable<>();
                properties.put(CommandProcessor.COMMAND_SCOPE, "vm");
                properties.put(CommandProcessor.COMMAND_FUNCTION, operation);
                commands.add(context.registerService(Function.class, command(operation), properties));
            }
        }
    }

    OperationCommands(Kernel kernel) {
        scenario = new Scenario(kernel);
    }

    /** The command that does one operation. */
    Function command(String operation) {
        return new Function() {
            @Override
            public Object execute(CommandSession session, List<Object> arguments) {
                return run(
                        Stream.concat(Stream.of(operation), arguments.stream().map(String::valueOf)));
            }

            @Override
            public String toString() {
                return scenario.usages().getOrDefault(operation, operation);
            }
        };
    }

    @Deactivate
    void deactivate() {
        commands.forEach(ServiceRegistration::unregister);
    }

    /**
     * Does one operation.
     *
     * @return the step as JSON: what it answered, and what looks different
     * @throws CommandFailure when it cannot be done, an expectation is not met, or the machine panicked or would wait
     *     for ever
     */
    @Descriptor("do an operation of scripts")
    public String op(@Descriptor("the operation and its arguments") String... words) {
        return run(Stream.of(words));
    }

    /** The operations, a line each. */
    @Descriptor("list the operations of scripts")
    public String operations() {
        return String.join(System.lineSeparator(), scenario.usages().values());
    }

    private synchronized String run(Stream<String> words) {
        String line = words.collect(Collectors.joining(" "));
        lines++;
        ObjectNode step;
        try {
            step = scenario.step(lines, line);
        } catch (BadScript e) {
            throw new CommandFailure(String.valueOf(e.getMessage()), e);
        } catch (UnmetExpectation e) {
            throw new CommandFailure(String.valueOf(e.getMessage()), e);
        }
        if (Scenario.ended(step)) {
            throw new CommandFailure(step.toString());
        }
        return step.toString();
    }

    @Override
    public String name() {
        return "operations";
    }

    @Override
    public int references(VmObject object) {
        return scenario.holdings().references(object);
    }

    @Override
    public int pagingInProgress(VmObject object) {
        return scenario.holdings().pagingInProgress(object);
    }

    @Override
    public int wirings(Page page) {
        return scenario.holdings().wirings(page);
    }

    @Override
    public int holds(Page page) {
        return scenario.holdings().holds(page);
    }

    @Override
    public boolean busies(Page page) {
        return scenario.holdings().busies(page);
    }
}
