// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.LockWatcher;
import penumbra.kern.Witness;
import penumbra.page.Page;
import penumbra.page.PageOwner;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/** What batches must not change: to one thread a queue is a list, and many threads lose nothing and keep their order. */
@Timeout(120)
class QueueBatchesTest {
    private static final int PAGES = 8 * PageBatch.SIZE;

    private final Fixture f = Fixture.threaded(4000);
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void close() {
        Witness.watch(null);
        threads.shutdownNow();
        f.close();
    }

    private List<VmPage> order(QueueId id) {
        List<VmPage> order = new ArrayList<>();
        try (PagingQueue.Cursor cursor = f.pages.queue(id).scan()) {
            for (Page page = cursor.next(); page != null; page = cursor.next()) {
                order.add((VmPage) page);
            }
        }
        return order;
    }

    private VmPage[] pages(TestOwner owner, int count) {
        VmPage[] pages = new VmPage[count];
        for (int i = 0; i < count; i++) {
            pages[i] = (VmPage) f.valid(owner, i);
        }
        return pages;
    }

    private static long inBatches(List<VmPage> pages) {
        return pages.stream().filter(page -> page.batch() != VmPage.NO_BATCH).count();
    }

    @Test
    void aFullBatchGoesToTheList() {
        VmPage[] p = pages(f.lockedOwner("owner"), PageBatch.SIZE + 1);
        for (int i = 0; i < PageBatch.SIZE - 1; i++) {
            p[i].activate();
        }
        assertThat(inBatches(List.of(p))).isEqualTo(PageBatch.SIZE - 1);
        p[PageBatch.SIZE - 1].activate();
        assertThat(inBatches(List.of(p))).isZero();
        p[PageBatch.SIZE].activate();
        assertThat(inBatches(List.of(p))).isEqualTo(1);
        f.check();
        assertThat(order(QueueId.ACTIVE)).containsExactly(p);
        assertThat(inBatches(List.of(p))).isZero();
    }

    @Test
    void whatIsQueuedDuringAScanIsMet() {
        VmPage[] p = pages(f.lockedOwner("owner"), 3);
        p[0].activate();
        try (PagingQueue.Cursor cursor = f.pages.queue(QueueId.ACTIVE).scan()) {
            assertThat(cursor.next()).isSameAs(p[0]);
            p[1].activate();
            p[0].requeue();
            assertThat(cursor.stillHere()).isFalse();
            assertThat(cursor.next()).isSameAs(p[1]);
            assertThat(cursor.next()).isSameAs(p[0]);
            assertThat(cursor.next()).isNull();
            p[2].activate();
            assertThat(cursor.next()).isSameAs(p[2]);
            assertThat(cursor.stillHere()).isTrue();
        }
    }

    @Test
    void toOneThreadAQueueIsAList() {
        long seed = System.nanoTime();
        System.out.println("order seed " + seed);
        Random random = new Random(seed);
        TestOwner owner = f.lockedOwner("owner");
        VmPage[] p = pages(owner, PAGES);
        Map<QueueId, List<VmPage>> model =
                Map.of(QueueId.ACTIVE, new ArrayList<>(), QueueId.INACTIVE, new ArrayList<>());
        int fromList = 0;
        int fromBatch = 0;
        for (int step = 0; step < 20_000; step++) {
            VmPage page = p[random.nextInt(PAGES)];
            if (page.queued() && page.batch() == VmPage.NO_BATCH) {
                fromList++;
            } else if (page.queued()) {
                fromBatch++;
            }
            follow(model, page, random.nextInt(5));
            if (step % 400 == 0) {
                f.check();
                assertThat(order(QueueId.ACTIVE)).isEqualTo(model.get(QueueId.ACTIVE));
                assertThat(order(QueueId.INACTIVE)).isEqualTo(model.get(QueueId.INACTIVE));
            }
        }
        assertThat(fromList).isGreaterThan(1_000);
        assertThat(fromBatch).isGreaterThan(1_000);
        f.pages.freeAll(owner);
        f.check();
    }

    private static void follow(Map<QueueId, List<VmPage>> model, VmPage page, int how) {
        QueueId before = page.queue();
        QueueId after = before;
        switch (how) {
            case 0:
                page.activate();
                after = QueueId.ACTIVE;
                break;
            case 1:
                page.deactivate();
                after = QueueId.INACTIVE;
                break;
            case 2:
                page.dequeue();
                after = QueueId.NONE;
                break;
            default:
                if (before != QueueId.NONE) {
                    page.requeue();
                    model.get(before).remove(page);
                    model.get(before).add(page);
                }
                break;
        }
        assertThat(page.queue()).isEqualTo(after);
        if (before != after && before != QueueId.NONE) {
            model.get(before).remove(page);
        }
        if (before != after && after != QueueId.NONE) {
            model.get(after).add(page);
        }
    }

    /** Each thread queues its own pages, once all have begun, while another one scans and so pours batches out. */
    @Test
    void everyThreadsPagesKeepTheirOrder() throws Exception {
        int count = 2;
        CyclicBarrier start = new CyclicBarrier(count + 1);
        List<VmPage[]> all = new ArrayList<>();
        List<Future<?>> ends = new ArrayList<>();
        for (int t = 0; t < count; t++) {
            TestOwner owner = f.lockedOwner("owner " + t);
            VmPage[] p = pages(owner, PAGES + 5);
            owner.lock.unlock();
            all.add(p);
            ends.add(threads.submit(() -> {
                start.await();
                for (VmPage page : p) {
                    owner.lock.lock();
                    page.activate();
                    owner.lock.unlock();
                }
                return null;
            }));
        }
        start.await();
        do {
            order(QueueId.ACTIVE);
        } while (ends.stream().anyMatch(end -> !end.isDone()));
        for (Future<?> end : ends) {
            end.get();
        }
        List<VmPage> order = order(QueueId.ACTIVE);
        for (VmPage[] p : all) {
            assertThat(order.stream().filter(page -> page.home == p[0].home)).containsExactly(p);
        }
        f.check();
    }

    /** With more threads than batches two have the same one; when they meet there, the later one takes another. */
    @Test
    void whoFindsItsBatchTakenGetsAnother() throws Exception {
        TestOwner owner = f.lockedOwner("first");
        VmPage[] p = pages(owner, 2);
        owner.lock.unlock();
        TestOwner otherOwner = f.lockedOwner("second");
        VmPage[] q = pages(otherOwner, 3);
        ExecutorService first = Executors.newSingleThreadExecutor();
        first.submit(() -> activate(owner, p[0])).get();
        for (int t = 1; t < PageQueue.MOST_BATCHES; t++) {
            int number = t;
            Thread between = new Thread(() -> {
                TestOwner its = f.lockedOwner("between " + number);
                pages(its, 1)[0].activate();
                its.lock.unlock();
            });
            between.start();
            between.join();
        }
        q[0].activate();
        int shared = p[0].batch();
        assertThat(q[0].batch()).isEqualTo(shared);
        order(QueueId.ACTIVE);

        CountDownLatch holds = new CountDownLatch(1);
        Semaphore mayGo = new Semaphore(0);
        Witness.watch(new AtBatch(Thread.currentThread(), holds, mayGo));
        Future<?> held = first.submit(() -> activate(owner, p[1]));
        holds.await();
        q[1].activate();
        assertThat(q[1].batch()).isNotIn(shared, VmPage.NO_BATCH);
        mayGo.release();
        held.get();
        first.shutdown();
        q[2].activate();
        assertThat(p[1].batch()).isEqualTo(shared);
        assertThat(q[2].batch()).isEqualTo(q[1].batch());
        otherOwner.lock.unlock();
        f.check();
        assertThat(order(QueueId.ACTIVE)).contains(p).containsSubsequence(q);
    }

    private static void activate(TestOwner owner, VmPage page) {
        owner.lock.lock();
        page.activate();
        owner.lock.unlock();
    }

    /** Keeps every thread but one where it has taken the lock of a batch. */
    private record AtBatch(Thread free, CountDownLatch holds, Semaphore mayGo) implements LockWatcher {
        @Override
        public void wanted(KernelLock lock) {}

        @Override
        public void taken(KernelLock lock) {
            if (lock.rank() == LockRank.PAGE_BATCH && Thread.currentThread() != free) {
                holds.countDown();
                mayGo.acquireUninterruptibly();
            }
        }

        @Override
        public void spinning() {}

        @Override
        public void released(KernelLock lock) {}
    }

    /**
     * Threads queue pages of their own, whose queues they know; another one begins and ends owners, and one scans and
     * requeues whatever it meets.
     */
    @Test
    void everyPageIsWhereItsThreadLeftIt() throws Exception {
        long seed = System.nanoTime();
        System.out.println("places seed " + seed);
        List<Future<Known>> movers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Known known = new Known(t);
            Random random = new Random(seed + t);
            movers.add(threads.submit(() -> known.move(random)));
        }
        AtomicBoolean done = new AtomicBoolean();
        Future<Integer> ended = threads.submit(() -> endOwners(done, new Random(seed - 1)));
        Future<Integer> met = threads.submit(() -> scan(done));
        int active = 0;
        int inactive = 0;
        List<Known> left = new ArrayList<>();
        for (Future<Known> mover : movers) {
            left.add(mover.get());
        }
        done.set(true);
        assertThat(ended.get()).isPositive();
        assertThat(met.get()).isPositive();
        for (Known known : left) {
            for (int i = 0; i < known.pages.length; i++) {
                assertThat(known.pages[i].queue()).isEqualTo(known.queues[i]);
                active += known.queues[i] == QueueId.ACTIVE ? 1 : 0;
                inactive += known.queues[i] == QueueId.INACTIVE ? 1 : 0;
            }
        }
        f.check();
        assertThat(f.pages.counts().active()).isEqualTo(active);
        assertThat(f.pages.counts().inactive()).isEqualTo(inactive);
        assertThat(order(QueueId.ACTIVE)).hasSize(active).doesNotHaveDuplicates();
        assertThat(order(QueueId.INACTIVE)).hasSize(inactive).doesNotHaveDuplicates();
        f.check();
    }

    /** Pages of one owner, and on which queue each was left. */
    private final class Known {
        private static final int STEPS = 8_000;

        final TestOwner owner;
        final VmPage[] pages;
        final QueueId[] queues = new QueueId[3 * PageBatch.SIZE];

        Known(int number) {
            owner = f.lockedOwner("owner " + number);
            pages = pages(owner, queues.length);
            owner.lock.unlock();
        }

        Known move(Random random) {
            Arrays.fill(queues, QueueId.NONE);
            for (int step = 0; step < STEPS; step++) {
                int i = random.nextInt(pages.length);
                owner.lock.lock();
                assertThat(pages[i].queue()).isEqualTo(queues[i]);
                switch (random.nextInt(4)) {
                    case 0:
                        pages[i].activate();
                        queues[i] = QueueId.ACTIVE;
                        break;
                    case 1:
                        pages[i].deactivate();
                        queues[i] = QueueId.INACTIVE;
                        break;
                    case 2:
                        pages[i].dequeue();
                        queues[i] = QueueId.NONE;
                        break;
                    default:
                        if (queues[i] != QueueId.NONE) {
                            pages[i].requeue();
                        }
                        break;
                }
                owner.lock.unlock();
            }
            return this;
        }
    }

    private int endOwners(AtomicBoolean done, Random random) {
        int ended = 0;
        while (!done.get() || ended == 0) {
            TestOwner owner = new TestOwner(f.pages, "short-lived " + ended);
            owner.lock.lock();
            for (VmPage page : pages(owner, 1 + random.nextInt(100))) {
                if (random.nextInt(3) == 0) {
                    page.deactivate();
                } else {
                    page.activate();
                }
            }
            owner.lock.unlock();
            owner.lock.lock();
            f.pages.freeAll(owner);
            owner.lock.unlock();
            ended++;
        }
        return ended;
    }

    private int scan(AtomicBoolean done) {
        int requeued = 0;
        while (!done.get() || requeued == 0) {
            for (QueueId id : List.of(QueueId.ACTIVE, QueueId.INACTIVE)) {
                try (PagingQueue.Cursor cursor = f.pages.queue(id).scan()) {
                    int most = f.pages.queue(id).length();
                    Page page = cursor.next();
                    for (int i = 0; i < most && page != null; i++) {
                        PageOwner owner = page.owner();
                        if (owner != null && owner.lock().tryLock()) {
                            if (cursor.stillHere()) {
                                assertThat(page.queue()).isEqualTo(id);
                                page.requeue();
                                requeued++;
                            }
                            owner.lock().unlock();
                        }
                        page = cursor.next();
                    }
                }
            }
        }
        return requeued;
    }
}
