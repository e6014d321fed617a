// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import penumbra.kern.KernelPanic;

/** The daemon's own thread: scans when woken, and once a second otherwise. */
final class DaemonThread {
    /** How often an idle daemon ages the active queue. */
    private static final long IDLE_PERIOD = TimeUnit.SECONDS.toNanos(1);

    /** How long it leaves I/O to finish before it scans again as hard as it can (the original: half a second). */
    private static final long RETRY_PERIOD = TimeUnit.MILLISECONDS.toNanos(20);

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
            boolean more = false;
            int hard = 0;
            while (!ended) {
                if (!more) {
                    hard = 0;
                    if (!woken) {
                        LockSupport.parkNanos(this, IDLE_PERIOD);
                    }
                } else if (++hard > 2) {
                    LockSupport.parkNanos(this, RETRY_PERIOD);
                }
                woken = false;
                if (!ended) {
                    more = daemon.runOnce();
                }
            }
        } catch (KernelPanic panic) {
            daemon.panicked(panic);
        } catch (RuntimeException | Error e) {
            daemon.panicked(new KernelPanic(e, "the page daemon failed: " + e));
        }
    }
}
