// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import java.util.concurrent.atomic.AtomicReference;
import org.jetbrains.lincheck.Lincheck;

/** Two threads whose every interleaving, up to a number, a model checker tries. */
public final class Pair {
    static final int INTERLEAVINGS = Integer.getInteger("penumbra.interleavings", 60);

    private Pair() {}

    /** Runs {@code experiment}, which makes its own objects and calls {@link #run}, in many interleavings. */
    public static void explore(Runnable experiment) {
        Lincheck.runConcurrentTest(INTERLEAVINGS, experiment);
    }

    /** Runs both to their end; throws what one of them threw. */
    public static void run(Runnable one, Runnable other) {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread first = thread(one, thrown);
        Thread second = thread(other, thrown);
        try {
            first.join();
            second.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        if (thrown.get() != null) {
            throw new AssertionError(thrown.get().toString(), thrown.get());
        }
    }

    private static Thread thread(Runnable body, AtomicReference<Throwable> thrown) {
        Thread thread = new Thread(() -> {
            try {
                body.run();
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        thread.start();
        return thread;
    }

    /** Fails with {@code what} unless {@code holds}. */
    public static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
