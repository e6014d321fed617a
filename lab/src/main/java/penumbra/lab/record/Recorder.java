// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.record;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import penumbra.lab.trace.BadInput;
import penumbra.lab.trace.Recording;
import penumbra.lab.trace.RecordingInProgress;

/**
 * Runs a command under Valgrind's Lackey and follows the logs of all its processes while they grow. For one run.
 */
public final class Recorder {
    private static final List<String> OPTIONS =
            List.of("--tool=lackey", "--trace-mem=yes", "--trace-syscalls=yes", "--trace-children=yes");

    /** How often logs are looked at, so that they need not grow by much. */
    private static final long INTERVAL_MILLIS = 20;

    /** How long a program that is told to end may take before it is ended by force. */
    private static final long GRACE_SECONDS = 5;

    private final String valgrind;
    private final List<String> command;
    private volatile boolean cancelled;
    private boolean begun;
    private int status;

    /** Records this command, a program and its arguments. */
    public Recorder(List<String> command) {
        this("valgrind", command);
    }

    Recorder(String valgrind, List<String> command) {
        this.valgrind = valgrind;
        this.command = List.copyOf(command);
    }

    /** The exit status of the command, once it has been recorded. */
    public int status() {
        return status;
    }

    /** Makes {@link #record} end the command and fail soon; from any thread. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * Runs the command to its end with this process's standard streams, and returns once all processes that it started
     * have ended. Blocks.
     *
     * @throws BadInput if Valgrind cannot be run, if it wrote something unexpected, or if there is no room for its logs
     * @throws CancellationException after {@link #cancel}
     */
    public Recording record() throws IOException {
        try (LogDirectory directory = new LogDirectory();
                RecordingInProgress recording = new RecordingInProgress()) {
            Process process = start(directory.path());
            try {
                follow(process, directory, recording);
                status = process.exitValue();
            } finally {
                end(process);
            }
            if (!begun) {
                throw new BadInput(command.get(0), "Valgrind could not run it");
            }
            return recording.finish();
        }
    }

    private Process start(Path directory) throws IOException {
        List<String> whole = new ArrayList<>();
        whole.add(valgrind);
        whole.addAll(OPTIONS);
        whole.add("--log-file=" + directory.resolve("%p.log"));
        whole.add("--");
        whole.addAll(command);
        try {
            return new ProcessBuilder(whole).inheritIO().start();
        } catch (IOException e) {
            throw new BadInput(valgrind, "cannot be run, expected Valgrind on the search path", e);
        }
    }

    private void follow(Process process, LogDirectory directory, RecordingInProgress recording) throws IOException {
        boolean over;
        boolean growing;
        do {
            over = waited(process);
            Set<Integer> gone = recording.ended(Recorder::isAlive);
            for (LogDirectory.Log log : directory.newLogs()) {
                recording.begin(log.pid(), log.path());
                begun = true;
            }
            growing = recording.advance(gone, directory::consumed);
            directory.requireRoom();
        } while (growing || !over);
    }

    private boolean waited(Process process) throws IOException {
        if (cancelled) {
            throw new CancellationException("the recording was stopped");
        }
        try {
            return process.waitFor(INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while recording");
        }
    }

    /** Whether a process of Linux still runs; one that only waits to be asked for its status does not. */
    private static boolean isAlive(int pid) {
        try {
            String line = Files.readString(Path.of("/proc", Integer.toString(pid), "stat"));
            char state = line.charAt(line.lastIndexOf(')') + 2);
            return state != 'Z' && state != 'X';
        } catch (IOException | IndexOutOfBoundsException e) {
            return false;
        }
    }

    /** Ends the command and everything that it started, if anything of it is left. */
    private static void end(Process process) {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        all.forEach(ProcessHandle::destroy);
        for (ProcessHandle handle : all) {
            try {
                handle.onExit().get(GRACE_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                handle.destroyForcibly();
            } catch (ExecutionException | TimeoutException e) {
                handle.destroyForcibly();
            }
        }
    }
}
