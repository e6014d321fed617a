// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
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

/** Compares scripts with what the original printed for them. */
@Component(service = LabCommand.class)
@Command(
        name = "conform",
        mixinStandardHelpOptions = true,
        description = {
            "Runs every script of a directory or archive on a fresh machine and compares each step with what FreeBSD printed.",
            "Prints the first difference of each script that has one. With --fidelity corrected, the differences that mended"
                    + " defects make are known and expected."
        })
public final class ConformCommand implements MachineCommand {
    private final MachineBoot power;
    private final Deviations deviations = new Deviations();
    private volatile boolean cancelled;

    @Parameters(paramLabel = "DIR|ARCHIVE", description = "scripts NAME.ops with NAME.jsonl beside them")
    private Path folder = Path.of("");

    @Option(
            names = "--fidelity",
            paramLabel = "original|corrected",
            defaultValue = "original",
            description = "which truth to follow where FreeBSD 10.0 has a defect (default: ${DEFAULT-VALUE})")
    private String fidelity = "";

    @Option(
            names = "--level",
            paramLabel = "1|2|3",
            defaultValue = "3",
            description =
                    "1 objects and contents, 2 and pages, swap and maps, 3 everything (default: ${DEFAULT-VALUE})")
    private int level;

    @Option(names = "--only", paramLabel = "GLOB", defaultValue = "*", description = "only scripts of such names")
    private String only = "";

    /** @param power boots the machines */
    @Activate
    public ConformCommand(@Reference MachineBoot power) {
        this.power = power;
    }

    @Override
    public Integer call() throws BadInput {
        cancelled = false;
        PrintStream out = System.out;
        Fidelity truth = ScenarioCommand.fidelity(fidelity);
        if (level < 1 || level > Level.values().length) {
            throw new BadInput("--level", level + ": expected 1, 2 or 3");
        }
        Conformance conformance = new Conformance(power, truth, Level.of(level));
        ScriptFolder scripts = read();
        PathMatcher wanted = matcher();
        int passed = 0;
        int failed = 0;
        for (ScenarioFile script : scripts.scripts()) {
            if (cancelled || !wanted.matches(Path.of(script.name()))) {
                continue;
            }
            @Nullable String problem = compare(conformance, truth, scripts, script);
            if (problem == null) {
                passed++;
            } else {
                failed++;
                out.println(script.name() + ": " + problem);
            }
        }
        out.println(passed + " passed, " + failed + " failed");
        return failed == 0 && !cancelled ? ExitStatus.OK : ExitStatus.FAILED;
    }

    private @Nullable String compare(Conformance conformance, Fidelity truth, ScriptFolder scripts, ScenarioFile script)
            throws BadInput {
        try {
            List<Difference> differences = conformance.run(scripts, script, (step, kernel, scenario) -> {});
            if (level == Level.values().length) {
                return deviations.judge(truth, script.name(), differences);
            }
            return differences.isEmpty() ? null : differences.get(0).toString();
        } catch (BadScript e) {
            throw new BadInput(String.valueOf(e.getMessage()));
        }
    }

    private ScriptFolder read() throws BadInput {
        try {
            return ScriptFolder.read(folder);
        } catch (IOException | RuntimeException e) {
            throw new BadInput(folder.toString(), "cannot be read as scripts", e);
        }
    }

    private PathMatcher matcher() throws BadInput {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + only);
        } catch (PatternSyntaxException e) {
            throw new BadInput("--only", e.getDescription() + " in \"" + only + "\"");
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
    }
}
