// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Threads of one test: what any of them throws fails the test, and sleeps in the kernel can be waited for. */
final class Threads {
    private final Rig rig;
    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentLinkedQueue<Throwable> problems = new ConcurrentLinkedQueue<>();

    Threads(Rig rig) {
        this.rig = rig;
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
        while (!waitMessage.equals(rig.machine.sleepQueue().waitMessage(thread))) {
            if (!thread.isAlive() || !problems.isEmpty()) {
                join();
                throw new AssertionError(thread.getName() + " ended without a sleep on " + waitMessage);
            }
            Thread.onSpinWait();
        }
    }

    boolean troubled() {
        return !problems.isEmpty();
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
            rig.broken = true;
            throw new AssertionError(problems.peek());
        }
    }
}
