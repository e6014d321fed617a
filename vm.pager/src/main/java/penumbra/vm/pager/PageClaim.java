// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.kern.Execution;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.Pages;

/**
 * The way back to a page that a foreign pager has let go of, though it was to keep it busy: whoever has it busy by now
 * is waited for, but not for ever, since it may be the pager, which has forgotten it.
 */
final class PageClaim {
    /** How often a busy page is looked at; nobody wakes those who wait here. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Machine machine;
    private final Pages pages;
    private final PagerLimits limits;

    PageClaim(Machine machine, Pages pages, PagerLimits limits) {
        this.machine = machine;
        this.pages = pages;
        this.limits = limits;
    }

    /**
     * The page at {@code pindex}, exclusive-busy for the caller. One that is exclusive-busy for longer than any call of
     * a pager may take was left so, and is taken over; in a machine that runs in steps that is any. Object locked; may
     * drop the lock and block.
     */
    Page take(VmObject object, long pindex) {
        long start = System.nanoTime();
        while (true) {
            @Nullable Page page = object.pages().lookup(pindex);
            if (page == null) {
                page = pages.alloc(object, pindex, Alloc.NORMAL);
                if (page != null) {
                    return page;
                }
                object.lock().unlock();
                pages.waitForMemory("pgclaim");
                object.lock().lock();
            } else if (page.tryXbusy() || (page.xbusied() && isOver(start))) {
                return page;
            } else {
                machine.sleepQueue().sleepAndDrop(this, object.lock(), "pgclaim", LOOK_NANOS);
                object.lock().lock();
            }
        }
    }

    private boolean isOver(long start) {
        return machine.execution() == Execution.STEPPED || System.nanoTime() - start > limits.callNanos();
    }
}
