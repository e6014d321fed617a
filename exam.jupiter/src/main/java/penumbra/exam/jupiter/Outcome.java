// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.jupiter;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.opentest4j.TestAbortedException;

/**
 * What came of one run in the container, and the form in which it crosses to the host.
 *
 * <p>Only classes of the JDK cross: an {@link AssertionError} stands for a failure and a {@link CancellationException}
 * for a test that was skipped or aborted. Any other class exists twice, or not at all, on the other side.
 */
final class Outcome implements TestExecutionListener {
    private final List<Throwable> failures = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();
    private int finished;

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped.add(reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Throwable cause = result.getThrowable().orElse(null);
        switch (result.getStatus()) {
            case SUCCESSFUL -> finished += test.isTest() ? 1 : 0;
            case ABORTED -> skipped.add(cause == null ? "aborted" : String.valueOf(cause.getMessage()));
            case FAILED -> failures.add(cause == null ? new AssertionError("failed: " + test) : cause);
        }
    }

    /** In the container: throws unless at least one test ran and all that ran passed. */
    void send() {
        if (!failures.isEmpty()) {
            AssertionError first = portable(failures.get(0));
            failures.stream().skip(1).map(Outcome::portable).forEach(first::addSuppressed);
            throw first;
        }
        if (!skipped.isEmpty()) {
            throw new CancellationException(String.join("; ", skipped));
        }
        if (finished == 0) {
            throw new AssertionError("the container found no test with this id");
        }
    }

    /** On the host: the exception to report for what a call to the container threw. */
    static RuntimeException received(RuntimeException thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof AssertionError failure) {
                throw failure;
            }
            if (t instanceof CancellationException skip) {
                return new TestAbortedException(skip.getMessage());
            }
        }
        return thrown;
    }

    private static AssertionError portable(Throwable original) {
        AssertionError copy = new AssertionError(original.toString(), portableCause(original.getCause()));
        copy.setStackTrace(original.getStackTrace());
        for (Throwable suppressed : original.getSuppressed()) {
            copy.addSuppressed(portable(suppressed));
        }
        return copy;
    }

    private static @Nullable AssertionError portableCause(@Nullable Throwable cause) {
        return cause == null ? null : portable(cause);
    }
}
