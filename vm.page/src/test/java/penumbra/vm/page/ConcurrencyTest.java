// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.page.Page;
import penumbra.page.PageDaemon;
import penumbra.page.PageOwner;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/**
 * Threads that fill, move, cache and free pages of shared owners while a daemon takes them away. Every page carries a
 * mark that is checked whenever somebody comes back to it; freed frames are overwritten.
 */
@Timeout(120)
class ConcurrencyTest {
    private static final int THREADS = 4;
    private static final int STEPS = 4_000;
    private static final int SPAN = 100;

    private final Fixture f = Fixture.threaded(300);
    private final List<Marked> owners = new ArrayList<>();
    private final Semaphore work = new Semaphore(0);
    private volatile boolean done;

    /** An owner and what its pages, resident or cached, must contain; guarded by its lock. */
    private final class Marked {
        final TestOwner owner;
        final Map<Long, Long> marks = new HashMap<>();

        Marked(int number) {
            owner = new TestOwner(f.pages, "owner " + number);
            owner.backed = null;
            owner.color = number == 0 ? 0 : -1;
        }

        /** Brings a page in, waiting for memory if necessary, and fills it if it is new. */
        Page get(long pindex, long newMark) {
            Page page = f.pages.grab(owner, pindex, 0);
            if (page.valid() == 0) {
                mark(page, newMark);
                page.setValid(Page.ALL);
            }
            check(page);
            return page;
        }

        void mark(Page page, long mark) {
            f.memory.storeVolatile(page.frame(), 0, mark);
            f.memory.storeVolatile(page.frame(), 4088, mark);
            marks.put(page.pindex(), mark);
        }

        void check(Page page) {
            assertThat(f.memory.loadVolatile(page.frame(), 0)).isEqualTo(marks.get(page.pindex()));
            assertThat(f.memory.loadVolatile(page.frame(), 4088)).isEqualTo(marks.get(page.pindex()));
        }
    }

    /** A page daemon that caches or frees what is inactive, and moves on what is active. */
    private final class Daemon implements PageDaemon, Runnable {
        @Override
        public void wakeup() {
            work.release();
        }

        @Override
        public void step(String waitMessage) {
            throw new AssertionError("the machine has threads");
        }

        @Override
        public void run() {
            f.pages.setDaemonThread(true);
            while (!done) {
                work.acquireUninterruptibly();
                work.drainPermits();
                for (int pass = 0; !done && f.pages.counts().belowTarget(); pass++) {
                    scan(QueueId.ACTIVE, pass);
                    scan(QueueId.INACTIVE, pass);
                }
            }
        }

        private void scan(QueueId id, int pass) {
            try (PagingQueue.Cursor cursor = f.pages.queue(id).scan()) {
                int most = f.pages.queue(id).length();
                Page page = cursor.next();
                for (int i = 0; i < most && page != null; i++) {
                    PageOwner owner = page.owner();
                    if (owner != null && owner.lock().tryLock()) {
                        if (cursor.stillHere()) {
                            take(page, id, (i + pass) % 3 == 0);
                        }
                        owner.lock().unlock();
                    }
                    page = cursor.next();
                }
            }
        }

        private void take(Page page, QueueId id, boolean free) {
            assertThat(page.queue()).isEqualTo(id);
            if (id == QueueId.ACTIVE) {
                page.deactivate();
            } else if (free) {
                page.tryToFree();
            } else {
                page.tryToCache();
            }
        }
    }

    @Test
    void marksSurviveAndNothingIsLost() throws Exception {
        long seed = System.nanoTime();
        System.out.println("concurrency seed " + seed);
        f.pages.setFillFreedPages(true);
        Daemon daemon = new Daemon();
        f.pages.setDaemon(daemon);
        for (int i = 0; i < 5; i++) {
            owners.add(new Marked(i));
        }
        ExecutorService threads = Executors.newFixedThreadPool(THREADS + 1);
        Future<?> daemonEnd = threads.submit(daemon);
        List<Future<?>> ends = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            Worker worker = new Worker(new Random(seed + t), t);
            ends.add(threads.submit(worker));
        }
        for (Future<?> end : ends) {
            end.get();
        }
        done = true;
        work.release();
        daemonEnd.get();
        threads.shutdown();
        f.check();
        long reactivated = f.pages.counts().reactivated();
        assertThat(reactivated).as("cached pages came back").isPositive();
        for (Marked marked : owners) {
            marked.owner.lock.lock();
            f.pages.freeAll(marked.owner);
            f.pages.cacheFree(marked.owner, 0, 0);
            f.pages.breakReservations(marked.owner);
            marked.owner.pages.assertEmpty();
            assertThat(marked.owner.holds.get()).isZero();
            marked.owner.lock.unlock();
        }
        assertThat(f.pages.counts().free()).isEqualTo(300);
        f.check();
    }

    private final class Worker implements Runnable {
        private final Random random;
        private long nextMark;

        Worker(Random random, int number) {
            this.random = random;
            this.nextMark = (long) number << 40;
        }

        @Override
        public void run() {
            for (int step = 0; step < STEPS; step++) {
                Marked marked = owners.get(random.nextInt(owners.size()));
                TestOwner owner = marked.owner;
                owner.lock.lock();
                Page page = marked.get(random.nextInt(SPAN), ++nextMark);
                boolean gone = use(marked, page);
                if (!gone) {
                    page.xunbusy();
                }
                owner.lock.unlock();
            }
        }

        /** Does something with an exclusive-busy page; returns whether that ended its busy state. */
        private boolean use(Marked marked, Page page) {
            switch (random.nextInt(8)) {
                case 0:
                    f.pages.free(page);
                    return true;
                case 1:
                    return rename(marked, page);
                case 2:
                    readHeld(marked, page);
                    return true;
                case 3:
                    fillUnlocked(marked, page);
                    return true;
                case 4:
                    page.wire();
                    page.unwire(random.nextBoolean());
                    return false;
                case 5:
                    page.activate();
                    return false;
                default:
                    page.deactivate();
                    return false;
            }
        }

        private boolean rename(Marked from, Page page) {
            Marked to = owners.get(random.nextInt(owners.size()));
            if (to == from || !to.owner.lock.tryLock()) {
                return false;
            }
            long pindex = random.nextInt(SPAN);
            boolean free = to.owner.pages.lookup(pindex) == null;
            if (free) {
                long mark = from.marks.get(page.pindex());
                assertThat(f.pages.rename(page, to.owner, pindex)).isTrue();
                to.marks.put(pindex, mark);
                to.check(page);
                page.undirty();
                page.deactivate();
            }
            to.owner.lock.unlock();
            return free;
        }

        /** Reads a frame that is held while its page may be freed by anybody. */
        private void readHeld(Marked marked, Page page) {
            long mark = marked.marks.get(page.pindex());
            int frame = page.frame();
            page.hold();
            page.activate();
            page.xunbusy();
            if (random.nextInt(4) == 0) {
                f.pages.free(page);
            }
            marked.owner.lock.unlock();
            Thread.onSpinWait();
            long read = f.memory.loadVolatile(frame, 0);
            page.unhold();
            // Busy pages are written by their holder only; this one may have been written by the next.
            if (read != mark) {
                assertThat(read).isNotEqualTo(0xDEADC0DE_DEADC0DEL);
            }
            marked.owner.lock.lock();
        }

        /** Writes a busy page without the owner's lock, as a pager does. */
        private void fillUnlocked(Marked marked, Page page) {
            long mark = ++nextMark;
            marked.owner.lock.unlock();
            f.memory.storeVolatile(page.frame(), 0, mark);
            Thread.onSpinWait();
            f.memory.storeVolatile(page.frame(), 4088, mark);
            marked.owner.lock.lock();
            marked.marks.put(page.pindex(), mark);
            page.deactivate();
            page.xunbusy();
        }
    }
}
