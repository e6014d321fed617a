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
import penumbra.lab.record.Recorder;
import penumbra.lab.trace.Recording;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Records what a program does with its memory. */
@Component(service = LabCommand.class)
@Command(
        name = "record",
        mixinStandardHelpOptions = true,
        description = {
            "Runs a command under Valgrind and records every memory reference and memory call of all its processes,"
                    + " in the compact form.",
            "Expect the command to run a few hundred times slower. Ctrl-C ends it and writes nothing."
        })
public final class RecordCommand implements LabCommand {
    @Option(
            names = "-o",
            paramLabel = "FILE",
            defaultValue = "recording.pnb",
            description = "the file to write (default: ${DEFAULT-VALUE})")
    private Path output = Path.of("");

    @Parameters(arity = "1..*", paramLabel = "CMD", description = "the program and its arguments, behind --")
    private List<String> command = List.of();

    @Spec
    private @Nullable CommandSpec spec;

    private volatile @Nullable Recorder recording;
    private volatile @Nullable CompactOutput writing;

    @Override
    public Integer call() throws IOException {
        CompactOutput out = new CompactOutput(output);
        writing = out;
        Recorder recorder = new Recorder(command);
        recording = recorder;
        try (Recording recorded = recorder.record()) {
            PrintWriter terminal = Objects.requireNonNull(spec).commandLine().getOut();
            if (recorder.status() != 0) {
                terminal.println("the command ended with status " + recorder.status());
            }
            Summary.print(recorded, out.write(recorded), output, terminal);
            return ExitStatus.OK;
        } catch (CancellationException e) {
            return ExitStatus.FAILED;
        } finally {
            recording = null;
            writing = null;
        }
    }

    @Override
    public void cancel() {
        Recorder recorder = recording;
        if (recorder != null) {
            recorder.cancel();
        }
        CompactOutput out = writing;
        if (out != null) {
            out.cancel();
        }
    }
}
