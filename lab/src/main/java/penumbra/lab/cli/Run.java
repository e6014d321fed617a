// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** The runs of one command: at most one at a time, and none any more once the command has been taken away. */
final class Run {
    /** How long a cancelled run may take before it is cancelled again. */
    private static final long PATIENCE_MILLIS = 100;

    private static final String STOPPED = "stopped";

    private final LabCommand command;

    // One for all runs: it knows the values that the options had at first, and restores them before each run.
    private final CommandLine syntax;

    private @Nullable FutureTask<Integer> current;
    private boolean cancelled;
    private String reason = STOPPED;
    /** What those are told who come when it is closed; null as long as it is not. */
    private @Nullable String refusal;

    Run(LabCommand command) {
        this.command = command;
        this.syntax = new CommandLine(command);
    }

    boolean runs(LabCommand other) {
        return command == other;
    }

    /** Whether the command works on a machine. */
    boolean needsMachine() {
        return command instanceof MachineCommand;
    }

    /** The command's name, options and help. */
    CommandLine syntax() {
        return syntax;
    }

    /**
     * Runs the command on a thread of its own and blocks until it has ended. An interrupt of the caller cancels the
     * command, and is not passed on.
     *
     * @param failure tells the user what the command threw, or that it was cancelled ({@link CancellationException}),
     *     and returns the exit status for it; part of the run, so that {@link #stop} waits for it
     * @return the exit status
     * @throws IllegalStateException if the command is running already, or was stopped for good
     */
    int execute(String name, ToIntFunction<Throwable> failure) {
        FutureTask<Integer> task = begin(name);
        try {
            return await(task);
        } catch (ExecutionException e) {
            return failure.applyAsInt(Objects.requireNonNull(e.getCause()));
        } catch (CancellationException e) {
            return failure.applyAsInt(e);
        } finally {
            synchronized (this) {
                current = null;
                notifyAll();
            }
        }
    }

    /** The command has been taken away: as {@link #stop}, but for what later callers are told. */
    void close() {
        close("not available any more");
    }

    /** Cancels the run, if there is one, and any later one; blocks until it has ended and its failure has been told. */
    void stop() {
        close(STOPPED);
    }

    private void close(String why) {
        synchronized (this) {
            if (refusal == null) {
                refusal = why;
            }
        }
        end(STOPPED);
    }

    /**
     * Cancels the run, if there is one, for a reason that the user is told; blocks until it has ended and that was
     * told.
     */
    void end(String why) {
        FutureTask<Integer> task;
        synchronized (this) {
            reason = why;
            task = current;
        }
        if (task != null) {
            cancel();
            join(task);
            awaitTold(task);
        }
    }

    private synchronized FutureTask<Integer> begin(String name) {
        if (refusal != null) {
            throw new IllegalStateException(refusal);
        }
        if (current != null) {
            throw new IllegalStateException("already running");
        }
        FutureTask<Integer> task = new FutureTask<>(command);
        current = task;
        cancelled = false;
        reason = STOPPED;
        new Thread(task, name).start();
        return task;
    }

    private int await(FutureTask<Integer> task) throws ExecutionException {
        int status;
        try {
            status = task.get();
        } catch (InterruptedException e) {
            cancel();
            join(task);
            throw new CancellationException("interrupted");
        }
        synchronized (this) {
            if (cancelled) {
                throw new CancellationException(reason);
            }
        }
        return status;
    }

    private void cancel() {
        synchronized (this) {
            cancelled = true;
        }
        command.cancel();
    }

    private synchronized void awaitTold(FutureTask<Integer> task) {
        boolean interrupted = false;
        while (current == task) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for the end of a run that was cancelled, and cancels it again if it had not begun to listen then. */
    private void join(FutureTask<Integer> task) {
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                task.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
                ended = true;
            } catch (TimeoutException e) {
                command.cancel();
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                ended = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
