// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Threads of one test: the first thing that any of them throws ends them all and fails the test. */
final class Crew {
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> trouble = new AtomicReference<>();

    synchronized Thread start(String name, Runnable action) {
        Thread thread = new Thread(action, name);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((any, problem) -> trouble.compareAndSet(null, problem));
        threads.add(thread);
        thread.start();
        return thread;
    }

    private synchronized int started() {
        return threads.size();
    }

    private synchronized Thread thread(int i) {
        return threads.get(i);
    }

    /** Whether one has failed, so that the others may as well end. */
    boolean troubled() {
        return trouble.get() != null;
    }

    /** Returns when {@code thread} has ended, or one has failed. */
    void await(Thread thread) {
        try {
            while (thread.isAlive() && !troubled()) {
                thread.join(10);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns when all threads have ended, those that they started too; throws what one of them threw. */
    void join() {
        for (int i = 0; i < started(); i++) {
            await(thread(i));
        }
        @Nullable Throwable problem = trouble.get();
        if (problem != null) {
            throw new AssertionError(problem.getMessage(), problem);
        }
    }
}
