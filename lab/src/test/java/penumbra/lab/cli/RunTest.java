// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine.Command;

@Timeout(60)
class RunTest {
    private static final int CANCELLED = 9;

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
    void returnsTheStatusAndCanRunAgain() {
        Run quick = new Run(new Returning(7));
        assertThat(quick.execute("quick", RunTest::unexpected)).isEqualTo(7);
        assertThat(quick.execute("quick", RunTest::unexpected)).isEqualTo(7);
    }

    @Test
    void runsOnceAtATime() throws Exception {
        FutureTask<Integer> first = start();
        endless.started.await();
        assertThatThrownBy(() -> run.execute("second", RunTest::unexpected))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("already running");
        run.close();
        assertThat(first.get()).isEqualTo(CANCELLED);
    }

    @Test
    void closingWaitsForTheEndOfTheRunAndAllowsNoOther() throws Exception {
        FutureTask<Integer> first = start();
        endless.started.await();
        run.close();
        assertThat(endless.cleanedUp).isTrue();
        assertThat(endless.interrupted).isFalse();
        assertThat(first.get()).isEqualTo(CANCELLED);
        assertThatThrownBy(() -> run.execute("later", RunTest::unexpected))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("not available any more");
    }

    /** A script that a signal ends between two commands says the same as one that is ended within one. */
    @Test
    void whoComesAfterTheStopIsToldOfThatAlsoWhenTheCommandHasGone() {
        run.stop();
        run.close();
        assertThatThrownBy(() -> run.execute("later", RunTest::unexpected))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("stopped");
    }

    @Test
    void anInterruptOfTheCallerCancelsWithoutInterruptingTheCommand() throws Exception {
        FutureTask<Integer> first = new FutureTask<>(() -> run.execute("first", RunTest::cancelled));
        Thread caller = new Thread(first);
        caller.start();
        endless.started.await();
        caller.interrupt();
        assertThat(first.get()).isEqualTo(CANCELLED);
        assertThat(endless.cleanedUp).isTrue();
        assertThat(endless.interrupted).isFalse();
    }

    @Test
    void closingWaitsUntilTheFailureHasBeenTold() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        Thread closer = new Thread(() -> {
            run.close();
            order.add("closed");
        });
        FutureTask<Integer> first = start(error -> {
            // Until the closing thread either waits for this, as it should, or has gone its way.
            while (closer.getState() == Thread.State.RUNNABLE || closer.getState() == Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            order.add("told");
            return cancelled(error);
        });
        endless.started.await();
        closer.start();
        assertThat(first.get()).isEqualTo(CANCELLED);
        closer.join();
        assertThat(order).containsExactly("told", "closed");
    }

    private FutureTask<Integer> start() {
        return start(RunTest::cancelled);
    }

    private FutureTask<Integer> start(ToIntFunction<Throwable> failure) {
        FutureTask<Integer> task = new FutureTask<>(() -> run.execute("first", failure));
        new Thread(task).start();
        return task;
    }

    private static int cancelled(Throwable error) {
        assertThat(error).isInstanceOf(CancellationException.class);
        return CANCELLED;
    }

    private static int unexpected(Throwable error) {
        throw new AssertionError("nothing fails here", error);
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
