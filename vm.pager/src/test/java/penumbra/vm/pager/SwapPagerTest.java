// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.account.Cred;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.MemoryStore;
import penumbra.pager.PageRun;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.pager.SwapSpace;
import penumbra.pager.swap.FileStore;

class SwapPagerTest {
    private static final int SLOTS = 4096;

    @TempDir
    private Path directory;

    private TestKernel kernel;
    private SwapSpace swap;
    private FileStore store;

    @BeforeEach
    void boot() throws IOException {
        boot(Fidelity.CORRECTED);
    }

    private void boot(Fidelity fidelity) throws IOException {
        kernel = TestKernel.stepped(2048, fidelity);
        swap = kernel.layer.swap();
        store = FileStore.open("file", directory.resolve("swap"), SLOTS, false, true);
        assertThat(kernel.layer.attach(store, 0)).isTrue();
    }

    @AfterEach
    void shutDown() {
        kernel.check();
        kernel.close();
        assertThat(directory.resolve("swap")).doesNotExist();
    }

    /** Slots by pindex. */
    private Map<Long, Long> slots(TestObject object) {
        Map<Long, Long> slots = new TreeMap<>();
        object.lock().lock();
        swap.forEach(object, (pindex, in, slot, version, checksum) -> slots.put(pindex, slot));
        assertThat(swap.pages(object)).isEqualTo(slots.size());
        object.lock().unlock();
        return slots;
    }

    private long hasPage(TestObject object, long pindex) {
        object.lock().lock();
        long has = kernel.layer.pagers().hasPage(object, pindex);
        object.lock().unlock();
        return has;
    }

    private Page page(TestObject object, long pindex) {
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        object.lock().unlock();
        assertThat(page).as("page %d", pindex).isNotNull();
        return page;
    }

    private int blocks(TestObject object) {
        object.lock().lock();
        int blocks = swap.blocks(object);
        object.lock().unlock();
        return blocks;
    }

    @Test
    void aDefaultObjectBecomesASwapObjectWithItsFirstPageOut() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 40);
        assertThat(hasPage(object, 0)).isEqualTo(PageRun.NONE);
        for (long p = 0; p < 4; p++) {
            kernel.fill(object, p, 10 + p);
        }
        kernel.flushAll(object, 0, 4);
        assertThat(object.type()).isEqualTo(ObjectType.SWAP);
        assertThat(slots(object)).containsExactlyInAnyOrderEntriesOf(Map.of(0L, 2L, 1L, 3L, 2L, 4L, 3L, 5L));
        assertThat(blocks(object)).isEqualTo(1);
        assertThat(object.pagingInProgress()).isZero();
        assertThat(swap.available()).isEqualTo(SLOTS - 2 - 4);
        Page page = page(object, 0);
        assertThat(page.dirty()).isZero();
        assertThat(page.busied()).isFalse();
        assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
        kernel.evict(object, 0);
        assertThat(kernel.read(object, 0)).isEqualTo(10);
        assertThat(slots(object)).as("slots are kept").hasSize(4);
        object.deallocate();
        assertThat(object.type()).isEqualTo(ObjectType.DEAD);
        assertThat(swap.available()).isEqualTo(SLOTS - 2);
    }

    @Test
    void aPageWrittenAgainGetsANewSlotAndGivesTheOldOneBack() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 1);
        kernel.fill(object, 1, 2);
        kernel.flushAll(object, 0, 2);
        object.lock().lock();
        object.pages().lookup(0).makeDirty();
        object.pages().lookup(1).makeDirty();
        object.lock().unlock();
        kernel.flushAll(object, 0, 2);
        assertThat(slots(object)).containsExactlyInAnyOrderEntriesOf(Map.of(0L, 4L, 1L, 5L));
        assertThat(swap.available()).isEqualTo(SLOTS - 2 - 2);
        object.deallocate();
    }

    @Test
    void aWriteAfterAPageInFreesTheSlot() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 1);
        kernel.flushAll(object, 0, 1);
        kernel.evict(object, 0);
        assertThat(kernel.read(object, 0)).isEqualTo(1);
        kernel.fill(object, 0, 2);
        assertThat(slots(object)).isEmpty();
        assertThat(blocks(object)).isZero();
        assertThat(object.type()).isEqualTo(ObjectType.SWAP);
        object.deallocate();
    }

    @Test
    void theOriginalTakesAlongSevenNeighboursOnEachSide() throws IOException {
        shutDown();
        boot(Fidelity.ORIGINAL);
        TestObject object = kernel.object(ObjectType.DEFAULT, 64);
        for (long p = 0; p < 16; p++) {
            kernel.fill(object, p, 100 + p);
        }
        kernel.flushAll(object, 0, 16);
        assertThat(hasPage(object, 0)).isEqualTo(PageRun.of(0, 7));
        assertThat(hasPage(object, 8)).isEqualTo(PageRun.of(7, 7));
        assertThat(hasPage(object, 14)).isEqualTo(PageRun.of(7, 1));
        object.deallocate();
    }

    @Test
    void takesAlongAWholeTransferOfNeighboursAndLeavesThemInactive() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 64);
        for (long p = 0; p < 32; p++) {
            kernel.fill(object, p, 100 + p);
        }
        kernel.flushAll(object, 0, 16);
        kernel.flushAll(object, 16, 16);
        assertThat(hasPage(object, 0)).isEqualTo(PageRun.of(0, 15));
        assertThat(hasPage(object, 3)).isEqualTo(PageRun.of(3, 12));
        assertThat(hasPage(object, 8)).isEqualTo(PageRun.of(8, 7));
        assertThat(hasPage(object, 14)).isEqualTo(PageRun.of(14, 1));
        assertThat(hasPage(object, 16)).as("the second run begins a leaf").isEqualTo(PageRun.of(0, 15));
        for (long p = 0; p < 32; p++) {
            kernel.evict(object, p);
        }
        assertThat(kernel.read(object, 8)).isEqualTo(108);
        object.lock().lock();
        assertThat(object.pages().count()).isEqualTo(16);
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            assertThat(page.valid()).isEqualTo(Page.ALL);
            assertThat(page.dirty()).isZero();
            assertThat(page.busied()).isFalse();
            assertThat(kernel.tag(page)).isEqualTo(100 + page.pindex());
            assertThat(page.queue()).isEqualTo(page.pindex() == 8 ? QueueId.ACTIVE : QueueId.INACTIVE);
        }
        object.lock().unlock();
        object.deallocate();
    }

    @Test
    void neighboursInOtherSlotsAreNotRead() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 8);
        for (long p = 0; p < 3; p++) {
            kernel.fill(object, p, 100 + p);
        }
        kernel.flushAll(object, 2, 1);
        kernel.flushAll(object, 0, 2);
        for (long p = 0; p < 3; p++) {
            kernel.evict(object, p);
        }
        object.lock().lock();
        Page[] run = new Page[3];
        for (int p = 0; p < 3; p++) {
            run[p] = kernel.pages.alloc(object, p, Alloc.NORMAL);
        }
        assertThat(kernel.layer.pagers().getPages(object, run, 3, 1)).isEqualTo(PagerResult.OK);
        run[1].xunbusy();
        assertThat(object.pages().lookup(0)).isNotNull();
        assertThat(object.pages().lookup(2)).isNull();
        object.lock().unlock();
        object.deallocate();
    }

    @Test
    void whatIsNotThereIsAFailureAndFreesTheOthers() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 8);
        kernel.fill(object, 0, 1);
        kernel.flushAll(object, 0, 1);
        object.lock().lock();
        Page[] run = {
            kernel.pages.alloc(object, 4, Alloc.NORMAL),
            kernel.pages.alloc(object, 5, Alloc.NORMAL),
            kernel.pages.alloc(object, 6, Alloc.NORMAL)
        };
        assertThat(kernel.layer.pagers().getPages(object, run, 3, 1)).isEqualTo(PagerResult.FAIL);
        assertThat(run[1].xbusied()).isTrue();
        assertThat(object.pages().count()).isEqualTo(2);
        kernel.pages.free(run[1]);
        object.lock().unlock();
        object.deallocate();
    }

    @Test
    void aFailedWriteLeavesThePageDirtyAndActiveAndKeepsTheSlot() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 10);
        kernel.fill(object, 1, 11);
        object.lock().lock();
        object.pages().lookup(0).deactivate();
        object.lock().unlock();
        swap.setProbe((in, write, slot, count) -> {
            assertThat(in).isSameAs(store);
            assertThat(write).isTrue();
            assertThat(count).isEqualTo(2);
            throw new IOException("no luck");
        });
        kernel.flushAll(object, 0, 2);
        swap.setProbe(null);
        for (long p = 0; p < 2; p++) {
            Page page = page(object, p);
            assertThat(page.dirty()).isEqualTo(Page.ALL);
            assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
            assertThat(page.busied()).isFalse();
        }
        assertThat(slots(object)).containsExactlyInAnyOrderEntriesOf(Map.of(0L, 2L, 1L, 3L));
        kernel.flushAll(object, 0, 2);
        assertThat(slots(object)).containsExactlyInAnyOrderEntriesOf(Map.of(0L, 4L, 1L, 5L));
        object.deallocate();
    }

    @Test
    void aSlotWhoseWriteFailedIsNeverServed() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 10);
        swap.setProbe((in, write, slot, count) -> {
            throw new IOException("no luck");
        });
        kernel.flushAll(object, 0, 1);
        swap.setProbe(null);
        kernel.evict(object, 0);
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.ERROR);
        object.deallocate();
    }

    @Test
    void aFailedReadIsAnErrorAndCanBeTriedAgain() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 8);
        for (long p = 0; p < 3; p++) {
            kernel.fill(object, p, 20 + p);
        }
        kernel.flushAll(object, 0, 3);
        for (long p = 0; p < 3; p++) {
            kernel.evict(object, p);
        }
        swap.setProbe((in, write, slot, count) -> {
            throw new IOException("no luck");
        });
        assertThat(kernel.get(object, 1)).isEqualTo(PagerResult.ERROR);
        assertThat(object.pages().count()).isZero();
        assertThat(object.pagingInProgress()).isZero();
        swap.setProbe(null);
        assertThat(kernel.read(object, 1)).isEqualTo(21);
        object.deallocate();
    }

    @Test
    void wrongContentsAreFoundPageByPage() throws IOException {
        TestObject object = kernel.object(ObjectType.DEFAULT, 8);
        for (long p = 0; p < 6; p++) {
            kernel.fill(object, p, 30 + p);
        }
        kernel.flushAll(object, 0, 6);
        for (long p = 0; p < 6; p++) {
            kernel.evict(object, p);
        }
        ByteBuffer three = ByteBuffer.allocateDirect(4096);
        ByteBuffer four = ByteBuffer.allocateDirect(4096);
        store.read(2 + 3, three);
        store.read(2 + 4, four);
        store.write(2 + 4, three.flip());
        store.write(2 + 3, four.flip());
        store.write(2 + 5, ByteBuffer.allocateDirect(4096));
        assertThat(kernel.read(object, 2)).isEqualTo(32);
        object.lock().lock();
        assertThat(object.pages().count()).as("pages 3 to 5 came along in vain").isEqualTo(3);
        object.lock().unlock();
        for (long p = 3; p < 6; p++) {
            assertThat(kernel.get(object, p)).isEqualTo(PagerResult.ERROR);
        }
        Map<String, Long> counters = new HashMap<>();
        kernel.layer.counters().forEach(counters::put);
        assertThat(counters.get("vm.swap.wrong_contents"))
                .as("three at first, and three for each of the three")
                .isEqualTo(12);
        store.write(2 + 3, three.flip());
        assertThat(kernel.read(object, 3)).as("the entry was kept").isEqualTo(33);
        object.deallocate();
    }

    @Test
    void oneBitIsEnough() throws IOException {
        TestObject object = kernel.object(ObjectType.DEFAULT, 1);
        kernel.fill(object, 0, 5);
        kernel.flushAll(object, 0, 1);
        kernel.evict(object, 0);
        ByteBuffer page = ByteBuffer.allocateDirect(4096);
        store.read(2, page);
        page.put(4095, (byte) (page.get(4095) ^ 0x10));
        store.write(2, page.flip());
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.ERROR);
        object.deallocate();
    }

    @Test
    void withoutAStorePagesStayWhereTheyAre() {
        kernel.layer.swap().swapOff(store);
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 1);
        assertThat(kernel.flush(object, 0, 1, PagerFlags.PUT_SYNC)).containsOnly(PagerResult.AGAIN);
        assertThat(object.type()).isEqualTo(ObjectType.DEFAULT);
        assertThat(page(object, 0).dirty()).isEqualTo(Page.ALL);
        assertThat(swap.full()).isTrue();
        assertThat(swap.present()).isFalse();
        object.deallocate();
    }

    @Test
    void aFullStoreIsHalvedDownToFourAndThenFails() {
        kernel.layer.swap().swapOff(store);
        kernel.layer.attach(new MemoryStore(11), 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 32);
        for (long p = 0; p < 16; p++) {
            kernel.fill(object, p, p);
        }
        PagerResult[] results = kernel.flush(object, 0, 16, PagerFlags.PUT_SYNC);
        assertThat(results)
                .startsWith(
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.PEND,
                        PagerResult.FAIL);
        assertThat(results).endsWith(PagerResult.FAIL, PagerResult.FAIL, PagerResult.FAIL, PagerResult.FAIL);
        assertThat(swap.available()).isEqualTo(3);
        assertThat(swap.full()).isTrue();
        assertThat(swap.almostFull()).isTrue();
        object.deallocate();
    }

    @Test
    void theMarksFollowTheSpace() {
        assertThat(swap.almostFull()).isFalse();
        TestObject object = kernel.object(ObjectType.DEFAULT, SLOTS);
        assertThat(swap.reserve(object, 0, SLOTS - 2 - 126)).isTrue();
        assertThat(swap.available()).isEqualTo(126);
        assertThat(swap.almostFull())
                .as("the original counts the header's slots")
                .isFalse();
        assertThat(swap.reserve(object, SLOTS - 200, 1)).isTrue();
        assertThat(swap.almostFull()).as("the slot was reserved before").isFalse();
        assertThat(swap.reserve(object, SLOTS - 100, 1)).isTrue();
        assertThat(swap.almostFull()).isTrue();
        object.lock().lock();
        swap.freeSpace(object, 0, 385);
        object.lock().unlock();
        assertThat(swap.available()).isEqualTo(510);
        assertThat(swap.almostFull()).isTrue();
        object.lock().lock();
        swap.freeSpace(object, 385, 1);
        object.lock().unlock();
        assertThat(swap.almostFull()).isFalse();
        object.deallocate();
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void aSmallStoreIsNotFullForEver(Fidelity fidelity) {
        try (TestKernel small = TestKernel.stepped(512, fidelity)) {
            SwapSpace space = small.layer.swap();
            small.layer.attach(new MemoryStore(100), 0);
            assertThat(space.full()).isEqualTo(!fidelity.corrected());
            assertThat(space.almostFull()).isEqualTo(!fidelity.corrected());
            TestObject object = small.object(ObjectType.DEFAULT, 200);
            assertThat(space.reserve(object, 0, space.available())).isTrue();
            assertThat(space.reserve(object, 150, 1)).isFalse();
            assertThat(space.full()).isTrue();
            object.lock().lock();
            space.freeSpace(object, 0, 20);
            assertThat(space.full()).isEqualTo(!fidelity.corrected());
            assertThat(space.almostFull()).isTrue();
            space.freeSpace(object, 20, 40);
            assertThat(space.almostFull()).isEqualTo(!fidelity.corrected());
            object.lock().unlock();
            object.deallocate();
            small.check();
        }
    }

    @Test
    void aReservationIsNoCopyAndAllOrNothing() {
        TestObject object = kernel.object(ObjectType.DEFAULT, 2L * SLOTS);
        assertThat(swap.reserve(object, 10, 100)).isTrue();
        assertThat(object.type()).isEqualTo(ObjectType.SWAP);
        assertThat(swap.available()).isEqualTo(SLOTS - 2 - 100);
        assertThat(hasPage(object, 10)).isEqualTo(PageRun.NONE);
        assertThat(kernel.get(object, 10)).isEqualTo(PagerResult.FAIL);
        assertThat(swap.reserve(object, 1000, SLOTS)).isFalse();
        assertThat(swap.available()).isEqualTo(SLOTS - 2 - 100);
        object.deallocate();
    }

    @Test
    void copyMovesWhatIsMissingAgainstAModel() {
        long seed = System.nanoTime();
        System.out.println("copy: seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            int size = 1 + random.nextInt(100);
            TestObject from = kernel.object(ObjectType.DEFAULT, 200);
            TestObject to = kernel.object(ObjectType.DEFAULT, size);
            Map<Long, Long> source = new TreeMap<>();
            Map<Long, Long> target = new TreeMap<>();
            scatter(random, from, 200, source);
            scatter(random, to, size, target);
            long offset = random.nextInt(120);
            boolean destroy = random.nextBoolean();
            from.lock().lock();
            to.lock().lock();
            swap.copy(from, to, offset, destroy);
            to.lock().unlock();
            from.lock().unlock();
            for (long p = offset; p < offset + size; p++) {
                Long tag = source.remove(p);
                if (tag != null) {
                    target.putIfAbsent(p - offset, tag);
                }
            }
            if (destroy) {
                assertThat(from.type()).isEqualTo(ObjectType.DEFAULT);
                source.clear();
            }
            assertThat(to.type()).isEqualTo(target.isEmpty() ? ObjectType.DEFAULT : ObjectType.SWAP);
            verify(from, source);
            verify(to, target);
            kernel.check();
            from.deallocate();
            to.deallocate();
            assertThat(swap.available()).isEqualTo(SLOTS - 2);
        }
    }

    private void scatter(Random random, TestObject object, int size, Map<Long, Long> model) {
        for (long p = 0; p < size; p++) {
            if (random.nextInt(4) == 0) {
                long tag = random.nextLong();
                kernel.fill(object, p, tag);
                kernel.flushAll(object, p, 1);
                kernel.evict(object, p);
                model.put(p, tag);
            }
        }
    }

    private void verify(TestObject object, Map<Long, Long> model) {
        assertThat(slots(object).keySet()).isEqualTo(model.keySet());
        model.forEach((p, tag) -> assertThat(kernel.read(object, p)).isEqualTo(tag));
    }

    @Test
    void freeSpaceCostsWhatIsSwappedNotWhatIsSpanned() {
        TestObject object = kernel.object(ObjectType.DEFAULT, Long.MAX_VALUE >>> 12);
        long far = (Long.MAX_VALUE >>> 12) - 1;
        kernel.fill(object, 0, 1);
        kernel.fill(object, far, 2);
        kernel.flushAll(object, 0, 1);
        kernel.flushAll(object, far, 1);
        kernel.evict(object, far);
        assertThat(blocks(object)).isEqualTo(2);
        assertThat(kernel.read(object, far)).isEqualTo(2);
        object.lock().lock();
        swap.freeSpace(object, 1, Long.MAX_VALUE);
        object.lock().unlock();
        assertThat(slots(object)).containsOnlyKeys(0L);
        object.deallocate();
    }

    @Test
    void anObjectWithAHandleIsFoundAgainAndPaidForOnce() {
        Object handle = new Object();
        Cred cred = new Cred(1001);
        VmObject first = kernel.layer.pagers().allocate(ObjectType.SWAP, handle, 8192, 3, 0, cred);
        VmObject second = kernel.layer.pagers().allocate(ObjectType.SWAP, handle, 8192, 3, 0, cred);
        assertThat(first).isNotNull().isSameAs(second);
        assertThat(first.refCount()).isEqualTo(2);
        assertThat(first.size()).isEqualTo(2);
        assertThat(first.charge()).isEqualTo(8192);
        assertThat(kernel.layer.accounting().reserved(1001)).isEqualTo(8192);
        first.deallocate();
        second.deallocate();
        VmObject third = kernel.layer.pagers().allocate(ObjectType.SWAP, handle, 4096, 3, 0, null);
        assertThat(third).isNotNull().isNotSameAs(first);
        third.deallocate();
    }

    @Test
    void aDeadObjectHasAndTakesNothing() {
        TestObject object = kernel.object(ObjectType.DEAD, 4);
        assertThat(hasPage(object, 0)).isEqualTo(PageRun.NONE);
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.FAIL);
        kernel.fill(object, 0, 1);
        assertThat(kernel.flush(object, 0, 1, 0)).containsOnly(PagerResult.AGAIN);
        assertThat(kernel.layer.pagers().allocate(ObjectType.DEAD, null, 4096, 3, 0, null))
                .isNull();
        kernel.evict(object, 0);
    }
}
