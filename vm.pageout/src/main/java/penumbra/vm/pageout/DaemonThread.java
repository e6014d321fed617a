// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import penumbra.kern.KernelPanic;
import penumbra.vm.pageout.PageoutDaemon.Turn;

/** The daemon's own thread: scans when woken, and once a second otherwise. */
final class DaemonThread {
    /** How often an idle daemon ages the active queue. */
    private static final long IDLE_PERIOD = TimeUnit.SECONDS.toNanos(1);

    /**
     * How long it leaves I/O to finish after a pass that got nothing, at first: several passes in a row get nothing but
     * lower act counts, which is what makes the next one useful.
     */
    private static final long FIRST_RETRY = TimeUnit.MICROSECONDS.toNanos(50);

    /** To this it doubles from pass to pass (the original: half a second at once). */
    private static final long LAST_RETRY = TimeUnit.MILLISECONDS.toNanos(5);

    private final PageoutDaemon daemon;
    private final Thread thread;
    private volatile boolean woken;
    private volatile boolean ended;

    DaemonThread(PageoutDaemon daemon) {
        this.daemon = daemon;
        this.thread = new Thread(this::run, "pagedaemon");
        thread.setDaemon(true);
        thread.start();
    }

    void wake() {
        woken = true;
        LockSupport.unpark(thread);
    }

    /** Ends the thread and waits for it; uninterruptible. */
    void end() {
        ended = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            Turn turn = Turn.IDLE;
            long retry = FIRST_RETRY;
            while (!ended) {
                if (turn == Turn.IDLE && !woken) {
                    LockSupport.parkNanos(this, IDLE_PERIOD);
                } else if (turn == Turn.STUCK) {
                    LockSupport.parkNanos(this, retry);
                }
                retry = turn == Turn.STUCK ? Math.min(2 * retry, LAST_RETRY) : FIRST_RETRY;
                woken = false;
                if (!ended) {
                    turn = daemon.runOnce(System.nanoTime());
                }
            }
        } catch (KernelPanic panic) {
            daemon.panicked(panic);
        } catch (RuntimeException | Error e) {
            daemon.panicked(new KernelPanic(e, "the page daemon failed: " + e));
        }
    }
}
