// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.kern.Execution;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.Witness;
import penumbra.kern.WouldBlock;
import penumbra.page.PageDaemon;
import penumbra.page.PageLimits;

/** What happens when memory is short: the page daemon is told, and threads sleep until pages are free again. */
final class Shortage {
    private final Machine machine;
    private final PageLimits limits;
    private final AtomicInteger deficit = new AtomicInteger();
    private volatile @Nullable PageDaemon daemon;
    private volatile @Nullable Thread daemonThread;
    /** Whether a thread sleeps on this object; free list lock. */
    private boolean sleepers;

    Shortage(Machine machine, PageLimits limits) {
        this.machine = machine;
        this.limits = limits;
    }

    void setDaemon(@Nullable PageDaemon newDaemon) {
        daemon = newDaemon;
    }

    void setDaemonThread(boolean isDaemon) {
        if (isDaemon) {
            daemonThread = Thread.currentThread();
        } else if (byDaemon()) {
            daemonThread = null;
        }
    }

    /** Whether the calling thread is the page daemon's. */
    boolean byDaemon() {
        return daemonThread == Thread.currentThread();
    }

    /** Pages asked for in vain since the daemon last looked. */
    AtomicInteger deficit() {
        return deficit;
    }

    /** Notes that {@code pages} pages were asked for in vain, and wakes the daemon. */
    void failed(int pages) {
        deficit.addAndGet(pages);
        wakeDaemon();
    }

    /** Lets the daemon scan soon, unless it is the caller ({@code pagedaemon_wakeup}). */
    void wakeDaemon() {
        PageDaemon current = daemon;
        if (current != null && !byDaemon()) {
            current.wakeup();
        }
    }

    /** Wakes those who sleep if enough pages are available ({@code vm_page_free_wakeup}). Free list lock. */
    void freed(int available) {
        if (sleepers && available >= limits.freeMin()) {
            sleepers = false;
            machine.sleepQueue().wakeup(this);
        }
    }

    /** Wakes those who sleep, whatever is available. */
    void wakeSleepers() {
        machine.sleepQueue().wakeup(this);
    }

    /**
     * Waits for memory: sleeps until {@code freeMin} pages are available, unless {@code enough} are already; in a
     * stepped machine the daemon runs one pass instead, whatever is available.
     */
    void await(FreeMemory memory, int enough, String waitMessage) {
        if (byDaemon()) {
            throw new KernelPanic("vm_wait: the page daemon waits for itself (\"%s\")", waitMessage);
        }
        if (machine.execution() == Execution.STEPPED) {
            PageDaemon current = daemon;
            if (current == null) {
                throw new WouldBlock(waitMessage);
            }
            Witness.duringSleep(waitMessage, () -> current.step(waitMessage));
            return;
        }
        KernelLock lock = memory.lock();
        lock.lock();
        if (memory.available() >= enough) {
            lock.unlock();
            return;
        }
        sleepers = true;
        wakeDaemon();
        machine.sleepQueue().sleepAndDrop(this, lock, waitMessage);
    }
}
