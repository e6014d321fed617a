// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.kern.KernelPanic;

/**
 * The threads that write what the page daemon does not wait for: four, as many as writes under way unless told
 * otherwise.
 */
final class SwapWriters {
    private static final Logger LOG = LoggerFactory.getLogger(SwapWriters.class);

    /** Threads beyond this many only queue up at the same disk. */
    private static final int THREADS = SwapTransfers.ASYNC_WRITES;

    private final ThreadPoolExecutor threads;
    private final Machine machine;
    private final Consumer<Transfer> work;

    SwapWriters(Machine machine, Consumer<Transfer> work) {
        this.machine = machine;
        this.work = work;
        threads = new ThreadPoolExecutor(
                THREADS, THREADS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), SwapWriters::thread);
        threads.allowCoreThreadTimeOut(true);
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "swap writer");
        thread.setDaemon(true);
        return thread;
    }

    void submit(Transfer transfer) {
        threads.execute(() -> run(transfer));
    }

    private void run(Transfer transfer) {
        try {
            work.accept(transfer);
        } catch (KernelPanic panic) {
            machine.halt(panic);
        } catch (RuntimeException | Error e) {
            LOG.error("swap writer", e);
            machine.halt(new KernelPanic(e, "swap writer: " + e));
        }
    }

    /**
     * Ends the threads: when their work is done, or at once, though one that waits for a lock stays until the JVM ends.
     */
    void close(boolean atOnce) {
        if (atOnce) {
            threads.shutdownNow();
        } else {
            threads.shutdown();
        }
    }
}
