// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import java.util.concurrent.Callable;

/**
 * A command of {@code ./vm}, offered as a service: one class that carries both picocli's annotations and
 * {@code @Component(service = LabCommand.class)}.
 *
 * <p>What the command needs of the system are mandatory references of its component, so that it exists only while the
 * system can serve it. Options are fields annotated for picocli, which sets all of them anew for every run; a command
 * runs once at a time, on a thread of its own.
 *
 * <p>{@link #call} returns an {@link ExitStatus}. It may throw instead: {@link penumbra.lab.trace.BadInput} and
 * picocli's {@code ParameterException} end with {@link ExitStatus#UNUSABLE} and their message, a
 * {@link penumbra.kern.KernelPanic} with {@link ExitStatus#PANIC}.
 */
public interface LabCommand extends Callable<Integer> {
    /**
     * Asks a running {@link #call} to clean up and return soon. Called from another thread, when the container stops,
     * something that the command needs goes away, or the user interrupts it; the caller then waits for the end of the
     * run, and calls again now and then, in case the command was not listening yet. The thread of the run is not
     * interrupted, because that would close the files that it is working on for everybody.
     */
    void cancel();
}
