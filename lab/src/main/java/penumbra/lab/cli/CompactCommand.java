// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import penumbra.lab.record.CompactOutput;
import penumbra.lab.trace.Recording;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Converts a recording into the compact form. */
@Component(service = LabCommand.class)
@Command(
        name = "compact",
        mixinStandardHelpOptions = true,
        description = {
            "Converts a recording of Valgrind's logs into the compact form, without loss: it replays with the same"
                    + " checks, faults and counts.",
            "Notes the size and the SHA-256 of each mapped file, as it is here and now."
        })
public final class CompactCommand implements LabCommand {
    @Parameters(
            paramLabel = "IN",
            description = "a log (.log, .log.gz, .log.xz), a directory or archive (.tar.xz, .tar.gz) of logs,"
                    + " or - for a log on standard input")
    private String input = "";

    @Option(names = "-o", paramLabel = "OUT", required = true, description = "the file to write")
    private Path output = Path.of("");

    @Spec
    private @Nullable CommandSpec spec;

    private volatile @Nullable CompactOutput writing;

    @Override
    public Integer call() throws IOException {
        CompactOutput out = new CompactOutput(output);
        writing = out;
        try (Recording recording = Recording.open(List.of(input), System.in)) {
            Summary.print(recording, out.write(recording), output, out());
            return ExitStatus.OK;
        } catch (CancellationException e) {
            return ExitStatus.FAILED;
        } finally {
            writing = null;
        }
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    @Override
    public void cancel() {
        CompactOutput out = writing;
        if (out != null) {
            out.cancel();
        }
    }
}
