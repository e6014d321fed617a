// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import penumbra.lab.trace.BadInput;
import picocli.CommandLine;

class RecordingCommandsTest {
    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private Exception thrown;

    private int run(LabCommand command, Object... arguments) {
        String[] words = new String[arguments.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = arguments[i].toString();
        }
        CommandLine line = new CommandLine(command);
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        line.setExecutionExceptionHandler((e, failed, parsed) -> {
            thrown = e;
            return ExitStatus.UNUSABLE;
        });
        return line.execute(words);
    }

    @Test
    void compactWritesWhatItReads() throws IOException {
        Path copy = directory.resolve("copy.pnb");
        Path sample = Path.of("samples", "ls.pnb");

        assertThat(run(new CompactCommand(), sample, "-o", copy)).isEqualTo(ExitStatus.OK);
        assertThat(out.toString())
                .isEqualTo(String.format(
                        "%s: %,d references of 1 processes in %,d bytes%n", copy, 1_153_433, Files.size(sample)));
        assertThat(Files.readAllBytes(copy)).isEqualTo(Files.readAllBytes(sample));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void compactSaysWhatItCannotRead() throws IOException {
        Path log = Files.writeString(directory.resolve("x.log"), "hello\n");

        assertThat(run(new CompactCommand(), log, "-o", directory.resolve("out.pnb")))
                .isEqualTo(ExitStatus.UNUSABLE);
        assertThat(thrown).isInstanceOf(BadInput.class).hasMessageStartingWith(log + ":1: ");
        assertThat(directory.resolve("out.pnb")).doesNotExist();
    }

    @Test
    void bothSayWhatTheyNeed() {
        assertThat(run(new CompactCommand(), "x")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(err.toString()).contains("-o=OUT");
        assertThat(run(new RecordCommand(), "-o", "x")).isEqualTo(ExitStatus.UNUSABLE);
        assertThat(err.toString()).contains("CMD");
    }

    @Test
    void recordKeepsTheOptionsOfItsCommand() {
        RecordCommand command = new RecordCommand();
        CommandLine line = new CommandLine(command);
        CommandLine.ParseResult parsed = line.parseArgs("-o", "x.pnb", "--", "ls", "-l", "-o");

        assertThat(parsed.matchedPositional(0).<Object>getValue()).hasToString("[ls, -l, -o]");
        assertThat(parsed.matchedOption("-o").<Object>getValue()).hasToString("x.pnb");
    }
}
