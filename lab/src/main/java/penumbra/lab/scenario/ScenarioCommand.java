// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.boot.MachineBoot;
import penumbra.kern.Fidelity;
import penumbra.lab.cli.ExitStatus;
import penumbra.lab.cli.LabCommand;
import penumbra.lab.cli.MachineCommand;
import penumbra.lab.trace.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs a script of kernel operations on a fresh machine and prints the state after each step. */
@Component(service = LabCommand.class)
@Command(
        name = "scenario",
        mixinStandardHelpOptions = true,
        description = {
            "Runs a script of kernel operations on a fresh machine.",
            "Prints one JSON object for each step: what it answered, and the objects and processes that look different."
        })
public final class ScenarioCommand implements MachineCommand {
    private final MachineBoot power;
    private volatile boolean cancelled;

    @Parameters(paramLabel = "FILE", description = "the script, boot MEM SWAP on its first line")
    private String file = "";

    @Option(
            names = "--fidelity",
            paramLabel = "original|corrected",
            defaultValue = "corrected",
            description = "which truth to follow where FreeBSD 10.0 has a defect (default: ${DEFAULT-VALUE})")
    private String fidelity = "";

    /** @param power boots the machine */
    @Activate
    public ScenarioCommand(@Reference MachineBoot power) {
        this.power = power;
    }

    @Override
    public Integer call() throws BadInput {
        cancelled = false;
        PrintStream out = System.out;
        try {
            new ScenarioFile(file, lines()).run(power, fidelity(fidelity), step -> {
                if (cancelled) {
                    throw new BadScript("stopped before its end");
                }
                out.println(step);
            });
        } catch (BadScript e) {
            throw new BadInput(String.valueOf(e.getMessage()));
        } catch (UnmetExpectation e) {
            System.err.println(e.getMessage());
            return ExitStatus.FAILED;
        }
        return ExitStatus.OK;
    }

    private List<String> lines() throws BadInput {
        try {
            return Files.readAllLines(Path.of(file));
        } catch (IOException | RuntimeException e) {
            throw new BadInput(file, "cannot be read as a script", e);
        }
    }

    static Fidelity fidelity(String name) throws BadInput {
        if (!name.equals("original") && !name.equals("corrected")) {
            throw new BadInput("--fidelity", "\"" + name + "\": expected original or corrected");
        }
        return Fidelity.valueOf(name.toUpperCase(Locale.ROOT));
    }

    @Override
    public void cancel() {
        cancelled = true;
    }
}
