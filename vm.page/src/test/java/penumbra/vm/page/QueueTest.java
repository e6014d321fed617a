// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelPanic;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

@Timeout(60)
class QueueTest {
    private final Fixture f = Fixture.stepped(2000);
    private final TestOwner owner = f.lockedOwner("owner");

    private List<Long> order(QueueId id) {
        List<Long> order = new ArrayList<>();
        try (PagingQueue.Cursor cursor = f.pages.queue(id).scan()) {
            for (Page page = cursor.next(); page != null; page = cursor.next()) {
                order.add(page.pindex());
            }
        }
        assertThat(f.pages.queue(id).length()).isEqualTo(order.size());
        return order;
    }

    private Page[] pages(int count) {
        Page[] pages = new Page[count];
        for (int i = 0; i < count; i++) {
            pages[i] = f.valid(owner, i);
        }
        return pages;
    }

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void pagesEnterAtTheTail() {
        Page[] p = pages(4);
        for (Page page : p) {
            page.activate();
        }
        assertThat(p[0].actCount()).isEqualTo(5);
        assertThat(order(QueueId.ACTIVE)).containsExactly(0L, 1L, 2L, 3L);
        p[1].requeue();
        p[0].activate();
        assertThat(order(QueueId.ACTIVE)).containsExactly(0L, 2L, 3L, 1L);
        p[2].setFlags(PageFlags.WINATCFLS);
        p[2].deactivate();
        p[0].deactivate();
        assertThat(p[2].flags()).isZero();
        assertThat(order(QueueId.INACTIVE)).containsExactly(2L, 0L);
        p[2].setFlags(PageFlags.WINATCFLS);
        p[2].deactivate();
        assertThat(p[2].flags()).isEqualTo(PageFlags.WINATCFLS);
        assertThat(order(QueueId.INACTIVE)).containsExactly(2L, 0L);
        p[3].dequeue();
        p[3].dequeue();
        assertThat(order(QueueId.ACTIVE)).containsExactly(1L);
        assertThatThrownBy(p[3]::requeue).isInstanceOf(KernelPanic.class);
        assertThat(f.pages.counts().active()).isEqualTo(1);
        assertThat(f.pages.counts().inactive()).isEqualTo(2);
        f.check();
    }

    @Test
    void activatingAgainOnlyRaisesALowCount() {
        Page page = pages(1)[0];
        page.activate();
        page.setActCount(64);
        page.activate();
        assertThat(page.actCount()).isEqualTo(64);
        page.setActCount(2);
        page.activate();
        assertThat(page.actCount()).isEqualTo(5);
    }

    @Test
    void wiredPagesAreOnNoQueue() {
        Page page = pages(1)[0];
        page.activate();
        page.wire();
        page.wire();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        page.activate();
        page.deactivate();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(f.pages.counts().wired()).isEqualTo(1);
        page.unwire(true);
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        page.setActCount(0);
        page.unwire(true);
        assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(page.actCount()).isZero();
        page.wire();
        page.setFlags(PageFlags.WINATCFLS);
        page.unwire(false);
        assertThat(page.queue()).isEqualTo(QueueId.INACTIVE);
        assertThat(page.flags()).isZero();
        assertThat(f.pages.counts().wired()).isZero();
        assertThatThrownBy(() -> page.unwire(true)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void unmanagedPagesAreOnNoQueue() {
        owner.unmanaged = true;
        Page page = pages(1)[0];
        page.activate();
        page.deactivate();
        page.wire();
        page.unwire(true);
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.tryToCache()).isFalse();
    }

    @Test
    void wiringsOfRemovedMappingsAreForgottenWithoutAQueue() {
        Page page = pages(1)[0];
        page.wire();
        page.wire();
        page.forgetWirings(1);
        assertThat(f.pages.counts().wired()).isEqualTo(1);
        page.forgetWirings(0);
        page.forgetWirings(1);
        assertThat(f.pages.counts().wired()).isZero();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThatThrownBy(() -> page.forgetWirings(1)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void aCursorKeepsItsPlace() {
        Page[] p = pages(6);
        for (Page page : p) {
            page.deactivate();
        }
        PagingQueue queue = f.pages.queue(QueueId.INACTIVE);
        PagingQueue.Cursor cursor = queue.scan();
        PagingQueue.Cursor other = queue.scan();
        assertThat(cursor.stillHere()).isFalse();
        assertThat(cursor.next()).isSameAs(p[0]);
        assertThat(other.next()).isSameAs(p[0]);
        assertThat(other.next()).isSameAs(p[1]);
        assertThat(cursor.stillHere()).isTrue();
        p[0].dequeue();
        assertThat(cursor.stillHere()).isFalse();
        p[1].dequeue();
        assertThat(other.stillHere()).isFalse();
        assertThat(cursor.next()).isSameAs(p[2]);
        p[2].requeue();
        assertThat(cursor.stillHere()).isFalse();
        assertThat(cursor.next()).isSameAs(p[3]);
        assertThat(cursor.next()).isSameAs(p[4]);
        assertThat(cursor.next()).isSameAs(p[5]);
        assertThat(cursor.next()).isSameAs(p[2]);
        assertThat(cursor.next()).isNull();
        assertThat(cursor.stillHere()).isFalse();
        p[0].deactivate();
        assertThat(cursor.next()).isSameAs(p[0]);
        assertThat(queue.length()).isEqualTo(5);
        cursor.close();
        cursor.close();
        other.close();
        assertThat(order(QueueId.INACTIVE)).containsExactly(3L, 4L, 5L, 2L, 0L);
    }

    /** The weights, for pages that are active and clean: what the formula says of each of 512 numbers. */
    @Test
    void adviceLeavesSomePagesAndSpreadsTheOthers() {
        Page[] p = pages(1024);
        List<Long> expected = new ArrayList<>();
        for (int weight = 0; weight < 1024; weight++) {
            Page page = p[weight];
            page.activate();
            page.setActCount(7);
            page.setAflags(PageFlags.A_REFERENCED);
            page.advise(weight % 2 == 0 ? Advice.DONTNEED : Advice.FREE);
            boolean leave = weight % 512 < 16;
            assertThat(page.queue()).isEqualTo(leave ? QueueId.ACTIVE : QueueId.INACTIVE);
            assertThat(page.actCount()).isEqualTo(weight % 2 == 1 ? 0 : leave ? 6 : 7);
            assertThat(page.aflags() == 0).isEqualTo(!leave);
            if (!leave) {
                boolean tail = weight % 128 < 16;
                expected.add(tail ? expected.size() : 0, (long) weight);
            }
        }
        assertThat(order(QueueId.INACTIVE)).isEqualTo(expected);
        p[600].setActCount(9);
        p[600].advise(Advice.DONTNEED);
        assertThat(p[600].actCount()).isEqualTo(8);
        p[600].advise(Advice.WILLNEED);
        assertThat(p[600].actCount()).isEqualTo(8);
    }

    @Test
    void dirtyPagesGoToTheTail() {
        Page[] p = pages(100);
        for (int i = 0; i < 16; i++) {
            p[i].advise(Advice.DONTNEED);
        }
        f.pmap.map(p[16], true).modified = true;
        p[16].advise(Advice.DONTNEED);
        assertThat(p[16].dirty()).isEqualTo(Page.ALL);
        p[17].makeDirty();
        f.pmap.map(p[18], true).modified = true;
        p[17].advise(Advice.FREE);
        p[18].advise(Advice.FREE);
        assertThat(p[17].dirty()).isZero();
        assertThat(p[18].dirty()).isZero();
        p[19].makeDirty();
        p[19].advise(Advice.DONTNEED);
        assertThat(order(QueueId.INACTIVE)).containsExactly(18L, 17L, 16L, 19L);
    }

    /** Pages move under their owners' locks while scans pass over the queues. */
    @Test
    void scansAndMovesByManyThreadsLoseNoPage() throws Exception {
        Fixture g = Fixture.threaded(2000);
        long seed = System.nanoTime();
        System.out.println("queue seed " + seed);
        List<TestOwner> owners = new ArrayList<>();
        for (int o = 0; o < 4; o++) {
            TestOwner one = g.lockedOwner("owner " + o);
            for (int i = 0; i < 100; i++) {
                g.valid(one, i).activate();
            }
            one.lock.unlock();
            owners.add(one);
        }
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService threads = Executors.newFixedThreadPool(6);
        List<Future<?>> movers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Random random = new Random(seed + t);
            movers.add(threads.submit(() -> {
                for (int i = 0; i < 5_000; i++) {
                    TestOwner one = owners.get(random.nextInt(4));
                    one.lock.lock();
                    move(one.page(random.nextInt(100)), random.nextInt(6));
                    one.lock.unlock();
                }
            }));
        }
        List<Future<Integer>> scanners = new ArrayList<>();
        for (QueueId id : List.of(QueueId.ACTIVE, QueueId.INACTIVE)) {
            scanners.add(threads.submit(() -> scanUntil(done, g.pages.queue(id))));
        }
        for (Future<?> mover : movers) {
            mover.get();
        }
        done.set(true);
        for (Future<Integer> scanner : scanners) {
            assertThat(scanner.get()).isPositive();
        }
        threads.shutdown();
        g.check();
    }

    private static void move(Page page, int how) {
        switch (how) {
            case 0:
                page.activate();
                break;
            case 1:
                page.deactivate();
                break;
            case 2:
                page.dequeue();
                break;
            case 3:
                if (page.queue() != QueueId.NONE) {
                    page.requeue();
                }
                break;
            case 4:
                page.advise(Advice.DONTNEED);
                break;
            default:
                page.wire();
                page.unwire(page.actCount() % 2 == 0);
                break;
        }
    }

    /** Scans as the page daemon does: tries the owner's lock, and requeues what is still there. */
    private static int scanUntil(AtomicBoolean done, PagingQueue queue) {
        int met = 0;
        while (!done.get() || met == 0) {
            try (PagingQueue.Cursor cursor = queue.scan()) {
                int most = queue.length();
                Page page = cursor.next();
                for (int i = 0; i < most && page != null; i++) {
                    PageOwner owner = page.owner();
                    if (owner != null && owner.lock().tryLock()) {
                        if (cursor.stillHere()) {
                            assertThat(page.queue()).isEqualTo(queue.id());
                            page.requeue();
                            met++;
                        }
                        owner.lock().unlock();
                    }
                    page = cursor.next();
                }
            }
        }
        return met;
    }
}
