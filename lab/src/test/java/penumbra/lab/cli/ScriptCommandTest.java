// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ScriptCommandTest {
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream err = new PrintStream(printed, true, StandardCharsets.UTF_8);
    private final PrintStream before = System.err;
    private ThreadIOImpl threadIo;
    private CommandProcessorImpl processor;

    @TempDir
    private Path folder;

    /** What the script here knows. */
    public static final class Commands {
        /** Says something with an interrupt under way, as a command does that is cancelled. */
        public void complain() {
            Thread.currentThread().interrupt();
            System.err.println("complaint");
        }
    }

    @BeforeEach
    void begin() {
        System.setErr(err);
        // It takes the streams that it finds.
        threadIo = new ThreadIOImpl();
        threadIo.start();
        processor = new CommandProcessorImpl(threadIo);
        processor.addCommand("test", new Commands(), "complain");
    }

    @AfterEach
    void end() {
        processor.stop();
        threadIo.stop();
        System.setErr(before);
    }

    /** The session's channels close what they write to, and the process had no standard error any more. */
    @Test
    void anInterruptInTheMiddleOfAMessageLeavesTheProcessItsStreams() throws IOException {
        ScriptCommand script = new ScriptCommand(processor);
        new CommandLine(script)
                .parseArgs(Files.writeString(folder.resolve("script"), "complain\n")
                        .toString());
        script.call();
        err.println("stopped");
        assertThat(err.checkError()).isFalse();
        assertThat(printed.toString(StandardCharsets.UTF_8)).endsWith("stopped\n");
    }
}
