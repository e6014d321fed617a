// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import penumbra.kern.SleepQueue;

/** Threads of one test: what any of them throws fails the test, and sleeps in the kernel can be waited for. */
final class Racing {
    private final SleepQueue sleepers;
    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentLinkedQueue<Throwable> problems = new ConcurrentLinkedQueue<>();

    Racing(Rig rig) {
        sleepers = rig.machine.sleepQueue();
    }

    Thread start(String name, Runnable action) {
        Thread thread = new Thread(action, name);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((any, problem) -> problems.add(problem));
        threads.add(thread);
        thread.start();
        return thread;
    }

    /** Returns when {@code thread} sleeps with {@code waitMessage}. */
    void awaitSleep(Thread thread, String waitMessage) {
        while (!waitMessage.equals(sleepers.waitMessage(thread))) {
            if (!thread.isAlive()) {
                join();
                throw new AssertionError(thread.getName() + " ended without a sleep on " + waitMessage);
            }
            Thread.onSpinWait();
        }
    }

    /** Returns when all threads have ended; throws what one of them threw. */
    void join() {
        for (Thread thread : threads) {
            try {
                while (thread.isAlive() && problems.isEmpty()) {
                    thread.join(10);
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        if (!problems.isEmpty()) {
            throw new AssertionError(problems.peek());
        }
    }
}
