// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.PageCounts;
import penumbra.page.PageLimits;
import penumbra.pager.SwapSpace;
import penumbra.process.Process;
import penumbra.process.Processes;

/**
 * The choice of a process that must die because neither memory nor swap is left ({@code vm_pageout_oom}).
 *
 * <p>Unlike the original it spares no process for its low pid: there is no init here.
 */
final class OutOfMemory {
    /** Swap slots below which swap counts as gone; the original's own number. */
    private static final int SWAP_LOW = 64;

    private static final Logger LOG = LoggerFactory.getLogger(OutOfMemory.class);

    private final Processes processes;
    private final SwapSpace swap;

    OutOfMemory(Processes processes, SwapSpace swap) {
        this.processes = processes;
        this.swap = swap;
    }

    /**
     * Kills the largest process if pass {@code number} has left memory too short, unless a store is expected back;
     * returns whether one is to die, told now or before.
     */
    boolean consider(int number, PageCounts counts, PageLimits limits) {
        // Asked first: what a process gives back until then is seen below.
        boolean dying = someoneIsDying();
        boolean short1 = swap.available() < SWAP_LOW && counts.belowMin();
        boolean short2 = swap.full() && counts.available() < limits.freeTarget();
        // Who sleeps for memory on such a machine would never be woken.
        boolean tooSmall = limits.pageCount() < limits.freeMin() && counts.belowMin();
        if (number <= 1 || !(short1 || short2 || tooSmall) || swap.awaitsReturn()) {
            return false;
        }
        if (dying) {
            return true;
        }
        @Nullable Process largest = null;
        long most = tooSmall ? -1 : 0;
        for (Process process : processes.all()) {
            long size = process.isProtected() ? -1 : size(process);
            if (size > most) {
                largest = process;
                most = size;
            }
        }
        if (largest == null) {
            return false;
        }
        String reason = String.format(
                "out of memory: %d of %d pages free (%d wanted), %d of %d swap slots free; process %d (%s) used most,"
                        + " %d pages",
                counts.available(),
                limits.pageCount(),
                limits.freeTarget(),
                swap.available(),
                swap.total(),
                largest.pid(),
                largest.name(),
                most);
        LOG.warn(reason);
        processes.kill(largest, reason);
        return true;
    }

    /** Whether a process was told to die, or is giving its memory back: it is worth waiting for. */
    private boolean someoneIsDying() {
        return processes.all().stream().anyMatch(Process::killed) || processes.leaving() > 0;
    }

    /** Pages in swap and in memory that its death would free, about ({@code vmspace_swap_count} and resident count). */
    private long size(Process process) {
        long[] swapped = {0};
        process.space().forEach(entry -> {
            @Nullable VmObject object = entry.object();
            if (object != null
                    && object.type() == ObjectType.SWAP
                    && object.lock().tryLock()) {
                swapped[0] += swap.pages(object);
                object.lock().unlock();
            }
        });
        return swapped[0] + process.space().pmap().residentCount();
    }
}
