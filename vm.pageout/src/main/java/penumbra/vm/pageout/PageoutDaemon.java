// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.concurrent.TimeUnit;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.kern.Counter;
import penumbra.kern.Execution;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.VmObjects;
import penumbra.page.PageCounts;
import penumbra.page.PageDaemon;
import penumbra.page.Pages;
import penumbra.pager.SwapSpace;
import penumbra.policy.PagePolicy;
import penumbra.policy.Pageout;
import penumbra.process.Processes;

/**
 * The page daemon: decides when to scan and how hard ({@code vm_pageout_worker}); a policy decides which pages go.
 *
 * <p>On a threaded machine a {@link DaemonThread} drives it. On a stepped one whoever waits for memory does
 * ({@link #step}), and whoever lets time pass ({@link #poll}). One scan runs at a time.
 */
public final class PageoutDaemon implements PageDaemon, Pageout, CounterSource {
    /** Harder passes than this do not exist; more of them in a row without effect mean that memory is gone. */
    private static final int HARDEST_PASS = 2;

    /** Passes in vain that one wait for memory runs before its caller tries again. */
    private static final int PASSES_PER_WAIT = 8;

    /** Waits in vain, one after the other, after which a stepped machine has no way on. */
    private static final int MAX_VAIN_WAITS = 64;

    private static final long AGEING_PERIOD = TimeUnit.SECONDS.toNanos(1);

    private static final Logger LOG = LoggerFactory.getLogger(PageoutDaemon.class);

    private final Machine machine;
    private final Pages pages;
    private final PmapSystem pmaps;
    private final Launder launder;
    private final OutOfMemory outOfMemory;
    private final Patience patience = new Patience();
    private final Policies policies = new Policies();
    private final Counter wakeups = new Counter("v_pdwakeups");
    private final Counter scanned = new Counter("v_pdpages");
    private final Counter passes = new Counter("v_pdpasses");
    private final Counter laundered = new Counter("v_pdlaundered");
    private volatile boolean needed;
    private volatile @Nullable DaemonThread thread;
    private int pass;
    private int vainWaits;
    private long lastAgeing;

    /** A daemon that nobody drives yet; {@link #start} registers it. */
    public PageoutDaemon(
            Machine machine, Pages pages, PmapSystem pmaps, SwapSpace swap, VmObjects objects, Processes processes) {
        this.machine = machine;
        this.pages = pages;
        this.pmaps = pmaps;
        this.launder = new Launder(objects, swap, pages.limits().pageoutPageCount());
        this.outOfMemory = new OutOfMemory(processes, swap);
    }

    /** Registers with the page layer; a threaded machine gets the daemon's thread. */
    public void start() {
        pages.setDaemon(this);
        if (machine.execution() == Execution.THREADED) {
            thread = new DaemonThread(this);
        }
    }

    /** Ends the thread, waiting for a scan under way, and unregisters. */
    public void stop() {
        @Nullable DaemonThread running = thread;
        if (running != null) {
            running.end();
            thread = null;
        }
        pages.setDaemon(null);
    }

    @Override
    public void wakeup() {
        if (!needed) {
            needed = true;
            wakeups.increment();
            @Nullable DaemonThread running = thread;
            if (running != null) {
                running.wake();
            }
        }
    }

    @Override
    public void step(String waitMessage) {
        PageCounts counts = pages.counts();
        int before = counts.available();
        for (int i = 1; i <= PASSES_PER_WAIT && counts.belowMin(); i++) {
            scan(Math.min(i, HARDEST_PASS));
        }
        if (counts.severe() && counts.available() <= before) {
            if (++vainWaits > MAX_VAIN_WAITS) {
                throw new WouldBlock(waitMessage);
            }
        } else {
            vainWaits = 0;
        }
    }

    @Override
    public void poll() {
        long now = machine.clock().nanos();
        if (needed) {
            runOnce(now);
        } else if (now - lastAgeing >= AGEING_PERIOD) {
            lastAgeing = now;
            scan(0);
        }
    }

    /** How a turn of the daemon's loop left things. */
    enum Turn {
        /** There is memory enough. */
        IDLE,
        /** Memory is short, and the last pass got some, or a harder one is left. */
        GOING_ON,
        /** Memory is short, and the hardest pass got none. */
        STUCK
    }

    /**
     * One turn of the daemon's loop: a harder pass as long as memory is short, an ageing pass otherwise.
     *
     * @param now nanoseconds, always on the same clock
     */
    Turn runOnce(long now) {
        PageCounts counts = pages.counts();
        if (needed && !counts.belowMin()) {
            // Who sleeps for memory sleeps until the minimum is reached, so the work is not done before, whatever the
            // wake-up threshold says: on small machines it is the lower of the two.
            needed = counts.pagingNeeded();
            pages.wakeMemoryWaiters();
        }
        pass = needed ? Math.min(pass + 1, HARDEST_PASS) : 0;
        Scan scan = sweep(pass);
        boolean stuck = needed && pass == HARDEST_PASS && scan.got() == 0;
        if (!stuck || scan.metWrites()) {
            patience.restore();
        } else if (patience.lost(now)) {
            considerKilling(pass);
        }
        if (!needed) {
            return Turn.IDLE;
        }
        return stuck ? Turn.STUCK : Turn.GOING_ON;
    }

    @Override
    public void scan(int number) {
        sweep(number);
        if (machine.execution() == Execution.STEPPED) {
            // Nothing is under way there, and waiting would change nothing.
            considerKilling(number);
        }
    }

    private synchronized Scan sweep(int number) {
        pages.setDaemonThread(true);
        Scan scan = new Scan(pages, pmaps, launder, scanned, laundered, number);
        PagePolicy policy = policies.beginScan();
        try {
            policy.scan(scan);
        } catch (RuntimeException | LinkageError e) {
            String broken = policies.name();
            scan.abandon();
            policies.remove(policy);
            LOG.error("policy {} failed and is replaced by {}", broken, policies.name(), e);
        } finally {
            policies.endScan();
            pages.setDaemonThread(false);
        }
        if (number > 0) {
            passes.increment();
        }
        return scan;
    }

    private synchronized void considerKilling(int number) {
        if (outOfMemory.consider(number, pages.counts(), pages.limits())) {
            // Who was told to die may have fallen asleep since, having looked just before.
            pages.wakeMemoryWaiters();
        }
    }

    void panicked(KernelPanic panic) {
        machine.halt(panic);
    }

    /** Makes a policy known; it serves from the next pass on if it is the one that is wanted. */
    public void addPolicy(PagePolicy added) {
        policies.add(added);
    }

    /** Forgets a policy; when this returns, it does not scan any more. Blocks while it does. */
    public void removePolicy(PagePolicy removed) {
        policies.remove(removed);
    }

    /** Sets the policy that serves as long as no other is asked for; it may come later. */
    public void configurePolicy(String name) {
        policies.configure(name);
    }

    @Override
    public String policy() {
        return policies.name();
    }

    @Override
    public boolean usePolicy(String name) {
        return policies.use(name);
    }

    @Override
    public long passes() {
        return passes.get();
    }

    @Override
    public long laundered() {
        return laundered.get();
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        for (Counter counter : new Counter[] {wakeups, scanned, passes, laundered}) {
            visitor.accept("vm.stats.vm." + counter.name(), counter.get());
        }
    }
}
