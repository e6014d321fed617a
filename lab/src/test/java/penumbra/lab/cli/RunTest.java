// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine.Command;

@Timeout(60)
class RunTest {
    /** A command that runs until it is cancelled. */
    @Command(name = "endless")
    private static final class Endless implements LabCommand {
        final CountDownLatch started = new CountDownLatch(1);
        private final CountDownLatch cancelled = new CountDownLatch(1);
        volatile boolean interrupted;
        volatile boolean cleanedUp;

        @Override
        public Integer call() {
            started.countDown();
            try {
                cancelled.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
            cleanedUp = true;
            return ExitStatus.OK;
        }

        @Override
        public void cancel() {
            cancelled.countDown();
        }
    }

    private final Endless endless = new Endless();
    private final Run run = new Run(endless);

    @Test
    void returnsTheStatusAndCanRunAgain() throws ExecutionException {
        Run quick = new Run(new Returning(7));
        assertThat(quick.execute("quick")).isEqualTo(7);
        assertThat(quick.execute("quick")).isEqualTo(7);
    }

    @Test
    void runsOnceAtATime() throws Exception {
        FutureTask<Integer> first = start();
        endless.started.await();
        assertThatThrownBy(() -> run.execute("second"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("already running");
        run.close();
        assertThatThrownBy(first::get).hasCauseInstanceOf(CancellationException.class);
    }

    @Test
    void closingWaitsForTheEndOfTheRunAndAllowsNoOther() throws Exception {
        FutureTask<Integer> first = start();
        endless.started.await();
        run.close();
        assertThat(endless.cleanedUp).isTrue();
        assertThat(endless.interrupted).isFalse();
        assertThatThrownBy(first::get).hasCauseInstanceOf(CancellationException.class);
        assertThatThrownBy(() -> run.execute("later"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("not available any more");
    }

    @Test
    void anInterruptOfTheCallerCancelsWithoutInterruptingTheCommand() throws Exception {
        FutureTask<Integer> first = new FutureTask<>(() -> run.execute("first"));
        Thread caller = new Thread(first);
        caller.start();
        endless.started.await();
        caller.interrupt();
        assertThatThrownBy(first::get).hasCauseInstanceOf(CancellationException.class);
        assertThat(endless.cleanedUp).isTrue();
        assertThat(endless.interrupted).isFalse();
    }

    private FutureTask<Integer> start() {
        FutureTask<Integer> task = new FutureTask<>(() -> run.execute("first"));
        new Thread(task).start();
        return task;
    }

    @Command(name = "quick")
    private record Returning(int status) implements LabCommand {
        @Override
        public Integer call() {
            return status;
        }

        @Override
        public void cancel() {
            throw new AssertionError("nothing to cancel");
        }
    }
}
