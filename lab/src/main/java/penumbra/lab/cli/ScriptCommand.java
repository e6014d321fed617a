// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.felix.gogo.runtime.threadio.ThreadPrintStream;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.lab.trace.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Runs a file of the prompt's commands, one after the other, up to the first that fails.
 *
 * <p>The shell's own commands are a reference so that a script finds them.
 */
@Component(service = LabCommand.class, reference = @Reference(name = "ShellCommands", service = ShellCommands.class))
@Command(
        name = "script",
        mixinStandardHelpOptions = true,
        description = {
            "Runs a file of the prompt's commands and prints what they print and return.",
            "Stops at the first error. A command may go over several lines while a bracket or quote is open;"
                    + " # begins a comment."
        })
public final class ScriptCommand implements LabCommand {
    private final CommandProcessor processor;
    private @Nullable Script running;

    @Parameters(paramLabel = "FILE", description = "the script; - reads standard input")
    private String file = "";

    @Activate
    public ScriptCommand(@Reference CommandProcessor processor) {
        this.processor = processor;
    }

    @Override
    public Integer call() throws IOException {
        PrintStream out = current(System.out);
        PrintStream err = current(System.err);
        try (BufferedReader lines = open();
                CommandSession session =
                        processor.createSession(InputStream.nullInputStream(), shielded(out), shielded(err))) {
            Script script = new Script(file, session, out);
            synchronized (this) {
                running = script;
            }
            String failure = script.run(lines);
            if (failure != null) {
                err.println(failure);
                return ExitStatus.FAILED;
            }
            return ExitStatus.OK;
        } finally {
            synchronized (this) {
                running = null;
            }
        }
    }

    @Override
    public void cancel() {
        Script script;
        synchronized (this) {
            script = running;
        }
        if (script != null) {
            script.cancel();
        }
    }

    /** Gogo's streams lead to the session of the current thread, which in a session of our own would be themselves. */
    private static PrintStream current(PrintStream stream) {
        return stream instanceof ThreadPrintStream redirected ? redirected.getCurrent() : stream;
    }

    /** The stream for a session, which writes through channels: these close it when a thread is interrupted. */
    private static PrintStream shielded(PrintStream stream) {
        return new PrintStream(stream) {
            @Override
            public void close() {
                flush();
            }
        };
    }

    private BufferedReader open() throws BadInput {
        try {
            return file.equals("-") ? standardInput() : Files.newBufferedReader(Path.of(file));
        } catch (IOException | RuntimeException e) {
            throw new BadInput(file, "cannot be read as a script", e);
        }
    }

    /** Standard input, read by a thread of its own: nothing else can end a wait for it. */
    private static BufferedReader standardInput() throws IOException {
        Reader input = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        PipedWriter writer = new PipedWriter();
        PipedReader reader = new PipedReader(writer);
        Thread copier = new Thread(() -> copy(input, writer), "vm script input");
        copier.setDaemon(true);
        copier.start();
        return new BufferedReader(reader);
    }

    private static void copy(Reader input, PipedWriter writer) {
        char[] buffer = new char[1024];
        try (writer) {
            for (int read = input.read(buffer); read >= 0; read = input.read(buffer)) {
                writer.write(buffer, 0, read);
                // Wakes the reader, who would otherwise look only once a second.
                writer.flush();
            }
        } catch (IOException e) {
            // Nobody reads any more, or the input is broken: its end either way.
        }
    }
}
