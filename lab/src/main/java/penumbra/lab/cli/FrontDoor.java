// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import penumbra.inspect.CommandFailure;
import penumbra.kern.KernelPanic;
import penumbra.lab.trace.BadInput;
import picocli.CommandLine;

/**
 * The commands that the running system offers, by name, and the way to run one.
 *
 * <p>At the prompt the same commands are there as {@code vm NAME ARGUMENTS}.
 */
@Component(service = FrontDoor.class)
@GogoCommand(scope = "vm", function = "vm")
public final class FrontDoor {
    private final Map<String, Run> commands = new ConcurrentSkipListMap<>();
    private final Needs needs;

    @Activate
    public FrontDoor(@Reference Needs needs) {
        this.needs = needs;
    }

    /** A command came; its name is the one that its picocli annotation gives. */
    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    public void addCommand(LabCommand command) {
        Run run = new Run(command);
        commands.put(run.syntax().getCommandName(), run);
    }

    /** A command goes; blocks until a run of it has ended. */
    public void removeCommand(LabCommand command) {
        commands.values().stream().filter(run -> run.runs(command)).forEach(run -> {
            commands.values().remove(run);
            run.close();
        });
    }

    /** Ends every run and allows no other; blocks until they have ended. */
    public void close() {
        commands.values().forEach(Run::stop);
    }

    /** Ends every run that needs a machine, for a reason that its user is told; blocks until they have ended. */
    public void endRuns(String why) {
        commands.values().stream().filter(Run::needsMachine).forEach(run -> run.end(why));
    }

    /** Runs a command at the prompt. A status other than 0 is an error there, so that a script stops. */
    @Descriptor("run a command of ./vm")
    public void vm(@Descriptor("the command and its arguments") String... arguments) {
        int status = run(arguments);
        if (status != ExitStatus.OK) {
            throw new CommandFailure("vm " + String.join(" ", arguments) + ": status " + status);
        }
    }

    /** Runs the command that {@code arguments} name; blocks until it has ended and returns its {@link ExitStatus}. */
    int run(String... arguments) {
        CommandLine vm = new CommandLine(new RootCommand());
        commands.forEach((name, run) -> vm.addSubcommand(name, run.syntax()));
        vm.setExecutionStrategy(this::execute);
        vm.setParameterExceptionHandler(this::explain);
        return vm.execute(arguments);
    }

    private int execute(CommandLine.ParseResult parsed) {
        Integer help = CommandLine.executeHelpRequest(parsed);
        if (help != null) {
            return help;
        }
        List<CommandLine> named = parsed.asCommandLineList();
        CommandLine command = named.get(named.size() - 1);
        Run run = commands.get(command.getCommandName());
        if (run == null) {
            throw new CommandLine.ParameterException(command, "which command?");
        }
        String name = command.getCommandSpec().qualifiedName();
        PrintWriter err = command.getErr();
        try {
            return run.execute(name, error -> statusOf(error, command));
        } catch (IllegalStateException e) {
            err.println(name + ": " + e.getMessage());
            return ExitStatus.FAILED;
        }
    }

    private static int statusOf(Throwable error, CommandLine command) {
        if (error instanceof CommandLine.ParameterException wrong) {
            throw wrong;
        }
        PrintWriter err = command.getErr();
        String name = command.getCommandSpec().qualifiedName();
        if (error instanceof CancellationException || error instanceof CommandFailure) {
            err.println(name + ": " + error.getMessage());
            return ExitStatus.FAILED;
        }
        if (error instanceof BadInput) {
            err.println(name + ": " + error.getMessage());
            return ExitStatus.UNUSABLE;
        }
        if (error instanceof KernelPanic) {
            err.println(name + ": panic: " + error.getMessage());
        } else {
            err.println(name + ": internal error");
        }
        error.printStackTrace(err);
        return ExitStatus.PANIC;
    }

    private int explain(CommandLine.ParameterException error, String[] arguments) {
        CommandLine command = error.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        PrintWriter err = command.getErr();
        err.println(name + ": " + error.getMessage() + " (see '" + name + " --help')");
        if (command.getParent() == null) {
            // A command that waits for something is not among the known ones.
            needs.unsatisfied().forEach(need -> err.println(name + ": " + need));
        }
        return ExitStatus.UNUSABLE;
    }
}
