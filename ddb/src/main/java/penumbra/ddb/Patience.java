// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * How long the prompt waits for an answer that needs locks which cannot be tried: in a machine that panicked somebody
 * may hold them for ever. Ctrl-C ends the wait in any case.
 */
enum Patience {
    /** For what takes moments: longer than any lock of a running machine is held. */
    SHORT(1_000),
    /** For what goes over all memory. */
    LONG(10_000),
    /** For a machine that runs, whose locks become free. */
    ENDLESS(Long.MAX_VALUE);

    private final long millis;

    Patience(long millis) {
        this.millis = millis;
    }

    /**
     * Asks on a thread of its own, which is left behind when the answer does not come.
     *
     * @return null when it did not
     * @throws ExecutionException when {@code question} throws
     */
    <T> @Nullable T ask(Callable<T> question) throws ExecutionException {
        FutureTask<T> task = new FutureTask<>(question);
        Thread thread = new Thread(task, "ddb reader");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
