// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.LockWatcher;
import penumbra.kern.Witness;
import penumbra.page.Alloc;
import penumbra.page.Page;

/** Pages that a thread takes without the free list lock, while memory is plentiful. */
@Timeout(120)
class AllowancesTest {
    private static final int SIZE = Reservation.PAGES;
    private static final int PAGES = 8 * SIZE;

    private final Fixture f = Fixture.threaded(PAGES);

    @AfterEach
    void invariantsHold() {
        Witness.watch(null);
        f.check();
        f.close();
    }

    private TestOwner colored(String name) {
        TestOwner owner = f.lockedOwner(name);
        owner.color = 0;
        owner.backed = null;
        return owner;
    }

    private int available() {
        return f.pages.counts().available();
    }

    /** Counts how often the calling thread takes the free list lock. */
    private static final class FreeListLocks implements LockWatcher {
        private final Thread watched = Thread.currentThread();
        private int taken;

        @Override
        public void wanted(KernelLock lock) {}

        @Override
        public void taken(KernelLock lock) {
            if (lock.rank() == LockRank.FREE_LIST && Thread.currentThread() == watched) {
                taken++;
            }
        }

        @Override
        public void spinning() {}

        @Override
        public void released(KernelLock lock) {}
    }

    @Test
    void aReservationIsFilledWithFewLocksAndExactCounts() {
        TestOwner owner = colored("owner");
        FreeListLocks locks = new FreeListLocks();
        Witness.watch(locks);
        Page first = f.valid(owner, 0);
        for (int pindex = 1; pindex < SIZE; pindex++) {
            assertThat(f.valid(owner, pindex).frame()).isEqualTo(first.frame() + pindex);
            assertThat(f.pages.counts().free()).isEqualTo(PAGES - pindex - 1);
        }
        // One to begin with, one an allowance, and the last page, which takes the reservation off its queue.
        assertThat(locks.taken).isEqualTo(1 + (SIZE - 2) / (Allowances.PAGES + 1) + 1);
    }

    @Test
    void whatAnotherThreadIsAllowedCountsAsAvailable() throws Exception {
        ExecutorService other = Executors.newSingleThreadExecutor();
        other.submit(() -> {
                    TestOwner owner = colored("other");
                    f.valid(owner, 0);
                    owner.lock.unlock();
                })
                .get();
        other.shutdown();
        assertThat(f.pages.counts().free()).isEqualTo(PAGES - 1);
        TestOwner owner = colored("owner");
        int reserved = f.pages.limits().freeReserved();
        long pindex = 0;
        while (f.pages.alloc(owner, pindex, Alloc.NOBUSY) != null) {
            pindex++;
            assertThat(available()).isEqualTo(PAGES - 1 - pindex);
        }
        assertThat(available()).isEqualTo(reserved);
        while (f.pages.alloc(owner, pindex, Alloc.INTERRUPT | Alloc.NOBUSY) != null) {
            pindex++;
        }
        assertThat(available()).isZero();
        f.pages.freeAll(owner);
    }

    @Test
    void theReservationUsedLeastRecentlyIsStillTheOldest() {
        TestOwner left = colored("left");
        TestOwner right = colored("right");
        long seed = System.nanoTime();
        System.out.println("allowances seed " + seed);
        Random random = new Random(seed);
        int[] next = {0, 0};
        int last = 0;
        for (int step = 0; step < 400; step++) {
            last = random.nextInt(8) == 0 ? 1 - last : last;
            if (next[last] < SIZE - 1) {
                f.valid(last == 0 ? left : right, next[last]++);
            }
            if (next[0] > 0 && next[1] > 0) {
                Reservation oldest = f.pages.freeMemory().reservations().oldest();
                ResidentSet used = ResidentSet.of(last == 0 ? left : right);
                assertThat(oldest).isNotNull();
                assertThat(oldest.owner).as("step %d", step).isNotEqualTo(used);
            }
        }
    }

    @Test
    void aCachedPageOfTheReservationIsNotTakenForAFreeOne() {
        TestOwner owner = colored("owner");
        for (int pindex = 0; pindex < 3; pindex++) {
            f.valid(owner, pindex);
        }
        Page cached = owner.page(2);
        int frame = cached.frame();
        f.pages.cache(cached);
        Page again = f.pages.alloc(owner, 2, 0);
        assertThat(again).isNotNull();
        assertThat(again.frame()).isEqualTo(frame);
        assertThat(again.valid()).isEqualTo(Page.ALL);
        again.xunbusy();
        assertThat(f.pages.counts().cache()).isZero();
    }

    @Test
    void threadsThatFillCacheAndEndTheirOwnersLoseNoPage() throws Exception {
        long seed = System.nanoTime();
        System.out.println("allowances seed " + seed);
        int threads = 4;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Future<?>> ends = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            Random random = new Random(seed + thread);
            int number = thread;
            ends.add(pool.submit(() -> {
                for (int life = 0; life < 60; life++) {
                    live(new TestOwner(f.pages, "owner " + number), random);
                }
            }));
        }
        for (Future<?> end : ends) {
            end.get();
        }
        pool.shutdown();
        assertThat(f.pages.counts().free()).isEqualTo(PAGES);
        assertThat(f.pages.counts().cache()).isZero();
    }

    /** Fills an owner, in the main from front to back; every frame carries the owner's mark while it is the owner's. */
    private void live(TestOwner owner, Random random) {
        owner.color = random.nextInt(4) == 0 ? -1 : 0;
        owner.backed = null;
        long mark = random.nextLong();
        BitSet marked = new BitSet();
        owner.lock.lock();
        for (int pindex = 0; pindex < 1200; pindex++) {
            Page page = f.pages.alloc(owner, pindex, 0);
            if (page == null) {
                break;
            }
            // A cached page that is wanted again has what it had.
            if (page.valid() == 0) {
                f.memory.storeVolatile(page.frame(), 0, mark + pindex);
                page.setValid(Page.ALL);
            }
            marked.set(pindex);
            page.xunbusy();
            if (random.nextInt(40) == 0) {
                dropOne(owner, marked, random.nextInt(pindex + 1), random.nextBoolean());
            }
            if (random.nextInt(200) == 0) {
                f.pages.breakReservations(owner);
            }
        }
        marked.stream().forEach(pindex -> {
            Page page = owner.pages.lookup(pindex);
            if (page != null) {
                assertThat(f.memory.loadVolatile(page.frame(), 0)).isEqualTo(mark + pindex);
            }
        });
        f.pages.cacheFree(owner, 0, 0);
        f.pages.freeAll(owner);
        f.pages.breakReservations(owner);
        owner.lock.unlock();
    }

    private void dropOne(TestOwner owner, BitSet marked, int pindex, boolean cache) {
        Page page = owner.pages.lookup(pindex);
        if (page == null) {
            return;
        }
        marked.clear(pindex);
        if (cache) {
            f.pages.cache(page);
        } else {
            f.pages.free(page);
        }
    }
}
