// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.page.Advice;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.PagerFlags;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** Operations on objects while others fault, write and let go: each ends, and no byte is lost. */
@Timeout(120)
class ThreadsTest {
    private static final int PAGES = 24;
    private static final int ROUNDS = 300;

    private final Rig rig = Rig.threaded();
    private final Racing racing = new Racing(rig);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private static long seed() {
        long seed = Long.getLong("penumbra.seed", System.nanoTime());
        System.out.println("ThreadsTest: -Dpenumbra.seed=" + seed);
        return seed;
    }

    /**
     * What a write fault does: makes page {@code index} of {@code top} its own, with the contents that the chain shows.
     */
    private void fault(MemoryObject top, long index) {
        while (!tryFault(top, index)) {
            Thread.yield();
        }
    }

    private boolean tryFault(MemoryObject top, long index) {
        top.lock().lock();
        Page own = top.pages().lookup(index);
        if (own != null) {
            if (own.busied()) {
                own.busySleep("vmpfw");
                return false;
            }
            top.lock().unlock();
            return true;
        }
        top.pipAdd(1);
        Page fresh = rig.pages.alloc(top, index, Alloc.NORMAL);
        boolean done = fresh != null && copyFromBehind(top, index, fresh);
        if (fresh != null) {
            if (done) {
                fresh.setValid(Page.ALL);
                fresh.makeDirty();
                fresh.activate();
                fresh.xunbusy();
            } else {
                rig.pages.free(fresh);
            }
        }
        top.pipWakeup(1);
        top.lock().unlock();
        return done;
    }

    /** Copies what {@code top} would show; {@code top} is locked on entry and return, not in between. */
    private boolean copyFromBehind(MemoryObject top, long index, Page fresh) {
        MemoryObject object = top;
        long at = index;
        while (true) {
            MemoryObject behind = object.backing();
            if (behind == null) {
                if (object != top) {
                    object.pipWakeup(1);
                }
                object.lock().unlock();
                rig.pmaps.zeroPage(fresh);
                top.lock().lock();
                return true;
            }
            behind.lock().lock();
            at += object.backingOffset();
            if (object != top) {
                object.pipWakeup(1);
            }
            behind.pipAdd(1);
            object.lock().unlock();
            object = behind;
            Page source = object.pages().lookup(at);
            if (object.has(ObjectFlags.DEAD) || (source != null && source.busied())) {
                object.pipWakeup(1);
                object.lock().unlock();
                top.lock().lock();
                return false;
            }
            if (source != null) {
                source.xbusy();
                object.lock().unlock();
                rig.pmaps.copyPage(source, fresh);
                object.lock().lock();
                source.xunbusy();
                object.pipWakeup(1);
                object.lock().unlock();
                top.lock().lock();
                return true;
            }
        }
    }

    @Test
    void collapseAgainstFault() {
        Random random = new Random(seed());
        for (int round = 0; round < ROUNDS; round++) {
            MemoryObject bottom = rig.anonymous(PAGES);
            int[] expected = new int[PAGES];
            for (int i = 0; i < PAGES; i++) {
                if (random.nextInt(3) != 0) {
                    expected[i] = 100 + i;
                    rig.fill(bottom, i, expected[i]);
                }
            }
            MemoryObject sibling = rig.shadowOf(bottom, 0, PAGES);
            MemoryObject top = rig.shadowOf(bottom, 0, PAGES);
            bottom.deallocate();
            CyclicBarrier start = new CyclicBarrier(3);
            race(start, "exits", sibling::deallocate);
            race(start, "collapses", () -> {
                for (int i = 0; i < 3; i++) {
                    rig.locked(top, top::collapse);
                }
            });
            long faultSeed = random.nextLong();
            race(start, "faults", () -> {
                Random indexes = new Random(faultSeed);
                for (int i = 0; i < PAGES; i++) {
                    fault(top, indexes.nextInt(PAGES));
                }
            });
            racing.join();

            for (int i = 0; i < PAGES; i++) {
                fault(top, i);
            }
            rig.locked(top, top::collapse);
            assertThat(top.backing()).as("round %d", round).isNull();
            for (int i = 0; i < PAGES; i++) {
                assertThat(rig.tag(rig.lookup(top, i)))
                        .as("round %d, page %d", round, i)
                        .isEqualTo(expected[i]);
            }
            assertThat(rig.violations().messages()).isEmpty();
            top.deallocate();
        }
        assertThat(rig.core.collapses() + rig.core.bypasses()).isPositive();
    }

    private void race(CyclicBarrier start, String name, Runnable action) {
        racing.start(name, () -> {
            try {
                start.await();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            action.run();
        });
    }

    @Test
    void collapseWaitsForABusyPageAndLooksAgain() {
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject top = rig.shadowOf(bottom, 0, 4);
        Page busy = rig.fill(bottom, 2, 12);
        rig.fill(bottom, 0, 10);
        rig.locked(bottom, busy::xbusy);

        Thread collapser = racing.start("exits", bottom::deallocate);
        racing.awaitSleep(collapser, "vmocol");
        // While it sleeps the pair looks like any other: a fault need not fail.
        assertThat(bottom.has(ObjectFlags.DEAD)).isFalse();
        fault(top, 3);
        rig.locked(bottom, busy::xunbusy);
        racing.join();

        assertThat(rig.contents(top)).containsExactly("0=10", "2=12", "3=0");
        assertThat(top.backing()).isNull();
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void deallocateWaitsForPagingInTheShadowThenInTheObject() {
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject top = rig.shadowOf(bottom, 0, 4);
        rig.fill(bottom, 1, 11);
        rig.locked(top, () -> top.pipAdd(1));
        rig.locked(bottom, () -> bottom.pipAdd(1));

        Thread thread = racing.start("exits", bottom::deallocate);
        racing.awaitSleep(thread, "objde1");
        rig.locked(top, () -> top.pipWakeup(1));
        racing.awaitSleep(thread, "objde2");
        rig.locked(bottom, () -> bottom.pipWakeup(1));
        racing.join();

        assertThat(rig.contents(top)).containsExactly("1=11");
        assertThat(top.refCount()).isEqualTo(1);
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void deallocateEndsTheShadowWhoseUserLeftMeanwhile() {
        int free = rig.pages.counts().free();
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject top = rig.shadowOf(bottom, 0, 4);
        rig.fill(bottom, 1, 11);
        rig.fill(top, 2, 22);
        rig.locked(top, () -> top.pipAdd(1));

        Thread thread = racing.start("exits", bottom::deallocate);
        racing.awaitSleep(thread, "objde1");
        top.deallocate();
        rig.locked(top, () -> top.pipWakeup(1));
        racing.join();

        assertThat(rig.core.find(1)).isNull();
        assertThat(rig.core.find(2)).isNull();
        assertThat(rig.core.collapses()).isZero();
        assertThat(rig.pages.counts().free()).isEqualTo(free);
    }

    @Test
    void deallocateGivesWayToWhoeverHasTheShadowLocked() {
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject top = rig.shadowOf(bottom, 0, 4);
        rig.fill(bottom, 1, 11);
        AtomicBoolean bottomTaken = new AtomicBoolean();
        top.lock().lock();
        racing.start("exits", bottom::deallocate);
        // Whoever holds the shadow can take the object behind it, in the usual order, while the other tries again.
        for (int i = 0; i < 1000; i++) {
            bottom.lock().lock();
            bottomTaken.set(true);
            bottom.lock().unlock();
        }
        top.lock().unlock();
        racing.join();

        assertThat(bottomTaken).isTrue();
        assertThat(rig.contents(top)).containsExactly("1=11");
        assertThat(rig.core.collapses()).isEqualTo(1);
    }

    @Test
    void terminateWaitsForPaging() {
        MemoryObject object = rig.anonymous(4);
        rig.locked(object, () -> object.pipAdd(2));

        Thread thread = racing.start("exits", object::deallocate);
        racing.awaitSleep(thread, "objtrm");
        rig.locked(object, () -> object.pipWakeup(1));
        assertThat(rig.core.find(1)).isNotNull();
        rig.locked(object, () -> object.pipWakeup(1));
        racing.join();

        assertThat(rig.core.find(1)).isNull();
    }

    @Test
    void terminateAgainstPageout() {
        Random random = new Random(seed());
        long slots = rig.swap.available();
        for (int round = 0; round < ROUNDS; round++) {
            MemoryObject object = rig.anonymous(PAGES);
            for (int i = 0; i < PAGES; i++) {
                rig.fill(object, i, i);
            }
            long id = object.id();
            int first = random.nextInt(PAGES - 8);
            CyclicBarrier start = new CyclicBarrier(2);
            race(start, "exits", object::deallocate);
            race(start, "pages out", () -> pageOutIfAlive(object, id, first));
            racing.join();
            assertThat(rig.core.find(id)).isNull();
        }
        assertThat(rig.swap.available()).isEqualTo(slots);
        assertThat(rig.violations().messages()).isEmpty();
    }

    /** What the daemon does, which has no reference: it looks again once it has the lock. */
    private void pageOutIfAlive(MemoryObject object, long id, int first) {
        object.lock().lock();
        if (object.id() == id && !object.has(ObjectFlags.DEAD) && object.pages().count() != 0) {
            Page[] run = new Page[8];
            for (int i = 0; i < run.length; i++) {
                run[i] = object.pages().lookup(first + i);
            }
            rig.core.flush(object, run, run.length, PagerFlags.PUT_SYNC, 0, new PageoutFlush());
        }
        object.lock().unlock();
    }

    @Test
    void splitWaitsForBusyPages() {
        MemoryObject object = rig.anonymous(8);
        object.reference();
        for (int i = 0; i < 8; i++) {
            rig.fill(object, i, 10 + i);
        }
        Page busy = rig.lookup(object, 4);
        rig.locked(object, busy::sbusy);

        MemoryObject[] result = new MemoryObject[1];
        Thread thread = racing.start("forks", () -> {
            object.lock().lock();
            result[0] = (MemoryObject) rig.core.split(object, 2, 4);
            result[0].lock().unlock();
        });
        racing.awaitSleep(thread, "spltwt");
        rig.locked(object, busy::sunbusy);
        racing.join();

        assertThat(rig.contents(result[0])).containsExactly("0=12", "1=13", "2=14", "3=15");
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void splitAgainstBusyPages() {
        Random random = new Random(seed());
        for (int round = 0; round < ROUNDS; round++) {
            MemoryObject object = rig.anonymous(PAGES);
            object.reference();
            for (int i = 0; i < PAGES; i++) {
                rig.fill(object, i, 100 + i);
            }
            if (random.nextBoolean()) {
                rig.pageOut(object, 0, 8);
                rig.evict(object, 3);
            }
            boolean lost = rig.lookup(object, 3) == null;
            int offset = random.nextInt(8);
            int length = 1 + random.nextInt(PAGES - offset);
            long busySeed = random.nextLong();
            MemoryObject[] result = new MemoryObject[1];
            object.reference();
            CyclicBarrier start = new CyclicBarrier(2);
            race(start, "forks", () -> {
                object.lock().lock();
                result[0] = (MemoryObject) rig.core.split(object, offset, length);
                result[0].lock().unlock();
            });
            race(start, "busies", () -> {
                Random indexes = new Random(busySeed);
                for (int i = 0; i < PAGES; i++) {
                    rig.locked(object, () -> {
                        Page page = object.pages().lookup(indexes.nextInt(PAGES));
                        if (page != null && page.tryXbusy()) {
                            object.lock().unlock();
                            Thread.yield();
                            object.lock().lock();
                            page.xunbusy();
                        }
                    });
                }
            });
            racing.join();

            for (int i = 0; i < PAGES; i++) {
                boolean moved = i >= offset && i < offset + length;
                MemoryObject owner = moved ? result[0] : object;
                long index = moved ? i - offset : i;
                if (i == 3 && lost) {
                    assertThat(rig.swapped(owner)).contains(index);
                } else {
                    assertThat(rig.tag(rig.lookup(owner, index))).isEqualTo(100 + i);
                }
            }
            assertThat(rig.violations().messages()).isEmpty();
            object.deallocate();
            object.deallocate();
            result[0].deallocate();
        }
    }

    @Test
    void pageCleanAgainstWrite() {
        long seed = seed();
        HeapFile contents = new HeapFile(PAGES);
        Vnode file = rig.file(contents);
        MemoryObject object = rig.fileObject(file);
        AtomicBoolean writing = new AtomicBoolean(true);
        int[] last = new int[PAGES];
        for (int i = 0; i < PAGES; i++) {
            rig.fill(object, i, 0, false);
        }
        racing.start("writes", () -> {
            Random random = new Random(seed);
            for (int tag = 1; tag <= 20_000; tag++) {
                int index = random.nextInt(PAGES);
                last[index] = tag;
                rig.fill(object, index, tag);
            }
            writing.set(false);
        });
        racing.start("cleans", () -> {
            while (writing.get()) {
                clean(file, object);
            }
            clean(file, object);
        });
        racing.join();

        assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
        for (int i = 0; i < PAGES; i++) {
            int at = i * PageSize.BYTES;
            int found = (contents.contents[at] & 0xff) | (contents.contents[at + 1] & 0xff) << 8;
            assertThat(found).as("page %d", i).isEqualTo(last[i]);
        }
        assertThat(rig.violations().messages()).isEmpty();
    }

    private static void clean(Vnode file, MemoryObject object) {
        file.lock().lock();
        object.lock().lock();
        object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC);
        object.lock().unlock();
        file.lock().unlock();
    }

    @Test
    void pageRemoveWaitsForBusyPages() {
        MemoryObject object = rig.anonymous(8);
        Page exclusive = rig.fill(object, 1, 11);
        Page shared = rig.fill(object, 2, 12);
        rig.fill(object, 3, 13);
        rig.locked(object, () -> {
            exclusive.xbusy();
            shared.sbusy();
        });

        Thread thread = racing.start("removes", () -> rig.locked(object, () -> object.pageRemove(0, 0, 0)));
        racing.awaitSleep(thread, "vmopax");
        rig.locked(object, exclusive::xunbusy);
        racing.awaitSleep(thread, "vmopar");
        rig.locked(object, shared::sunbusy);
        racing.join();

        assertThat(object.pages().count()).isZero();
    }

    @Test
    void madviseWaitsForBusyPagesInTheChain() {
        MemoryObject bottom = rig.anonymous(8);
        MemoryObject top = rig.shadowOf(bottom, 0, 8);
        Page page = rig.fill(bottom, 5, 15);
        rig.locked(bottom, () -> {
            page.deactivate();
            page.xbusy();
        });

        Thread thread = racing.start("advises", () -> top.madvise(0, 8, Advice.WILLNEED));
        racing.awaitSleep(thread, "madvpo");
        rig.locked(bottom, page::xunbusy);
        racing.join();

        assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
    }

    @Test
    void objectsComeAndGoOnManyThreads() {
        for (int t = 0; t < 4; t++) {
            racing.start("lives " + t, () -> {
                for (int i = 0; i < 2_000; i++) {
                    MemoryObject object = rig.charged(2);
                    rig.fill(object, 1, 11);
                    MemoryObject shadow = rig.shadowOf(object, 0, 2);
                    object.deallocate();
                    if (rig.tag(rig.lookup(shadow, 1)) != 11) {
                        throw new AssertionError("page 1 of " + shadow);
                    }
                    shadow.deallocate();
                }
            });
        }
        racing.join();

        assertThat(rig.accounting.reserved()).isZero();
        assertThat(rig.core.collapses()).isEqualTo(8_000);
        long[] left = {0};
        rig.core.forEach(object -> left[0] += object.type() == ObjectType.PHYS ? 0 : 1);
        assertThat(left[0]).isZero();
        assertThat(rig.violations().messages()).isEmpty();
    }
}
