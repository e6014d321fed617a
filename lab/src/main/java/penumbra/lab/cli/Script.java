// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.ClosedByInterruptException;
import org.apache.felix.gogo.runtime.EOFError;
import org.apache.felix.gogo.runtime.Parser;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.apache.felix.service.command.Job;
import org.jspecify.annotations.Nullable;
import penumbra.lab.trace.BadInput;

/** One run of a script in a session of its own, on the thread that makes it. */
final class Script {
    private volatile @Nullable Thread runner;
    private final String file;
    private final CommandSession session;
    private final PrintStream out;
    private volatile boolean cancelled;

    /** Whether a command has ended with a status other than 0, which is how the shell's own commands fail. */
    private volatile boolean failed;

    Script(String file, CommandSession session, PrintStream out) {
        this.file = file;
        this.session = session;
        this.out = out;
        // The shell takes every session's output for a terminal; this gives a colour to nothing.
        session.put("GREP_COLORS", "none=0");
        session.setJobListener((job, previous, current) -> {
            // A job below another is a part of that one, a condition for example.
            if (current == Job.Status.Done
                    && job.parent() == null
                    && !job.result().isSuccess()) {
                failed = true;
            }
        });
    }

    /**
     * Runs the commands in {@code lines} up to the end, to the first that fails, or until cancelled.
     *
     * @return what failed and in which line, or null if nothing did
     * @throws BadInput if the last command is not complete
     */
    @Nullable
    String run(BufferedReader lines) throws IOException {
        runner = Thread.currentThread();
        try {
            return cancelled ? null : runAll(lines);
        } catch (InterruptedException | InterruptedIOException | ClosedByInterruptException e) {
            return null;
        } finally {
            runner = null;
        }
    }

    /** Ends the run now, wherever it is; a command that runs is interrupted. */
    void cancel() {
        cancelled = true;
        Thread running = runner;
        if (running != null) {
            running.interrupt();
        }
    }

    private @Nullable String runAll(BufferedReader lines) throws IOException, InterruptedException {
        StringBuilder command = new StringBuilder();
        int number = 0;
        int first = 1;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            number++;
            command.append(line).append('\n');
            if (isIncomplete(command)) {
                continue;
            }
            String failure = execute(command);
            if (failure != null) {
                return file + ":" + first + ": " + failure;
            }
            command.setLength(0);
            first = number + 1;
        }
        if (!command.isEmpty()) {
            throw new BadInput(file, first, "the command that begins here does not end");
        }
        return null;
    }

    private @Nullable String execute(CharSequence command) throws InterruptedException {
        failed = false;
        try {
            Object result = session.execute(command);
            if (result != null) {
                out.println(session.format(result, Converter.INSPECT));
            }
            return failed ? "the command failed" : null;
        } catch (InterruptedException e) {
            // Either our wait for the command, or the command itself that somebody else has interrupted.
            if (!cancelled) {
                return "interrupted";
            }
            Job job = session.foregroundJob();
            if (job != null) {
                job.interrupt();
            }
            throw e;
        } catch (Exception e) {
            return messageOf(e);
        }
    }

    private static String messageOf(Throwable e) {
        Throwable cause = e instanceof InvocationTargetException ? e.getCause() : null;
        if (cause != null) {
            return messageOf(cause);
        }
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    private static boolean isIncomplete(CharSequence command) {
        try {
            new Parser(command).program();
            return false;
        } catch (EOFError e) {
            return true;
        } catch (RuntimeException e) {
            // Complete, but wrong: running it says how.
            return false;
        }
    }
}
