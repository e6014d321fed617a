// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.BackingStore;
import penumbra.pager.MemoryStore;
import penumbra.pager.PagerStatus;
import penumbra.pager.SwapSpace;

/** Drains one cluster at a time. */
class DrainTest {
    private final TestKernel kernel = TestKernel.stepped(4096, Fidelity.CORRECTED);
    private final SwapSpace swap = kernel.layer.swap();
    private final MemoryStore a = new MemoryStore(1024);
    private final MemoryStore b = new MemoryStore(1024);

    @AfterEach
    void shutDown() {
        kernel.check();
        kernel.close();
    }

    /** An object with so many pages in swap and none in memory; page p is full of 300 + p. */
    private TestObject swapped(int pages) {
        return kernel.swapped(pages, 300);
    }

    private void assertContents(TestObject object, int pages) {
        for (long p = 0; p < pages; p++) {
            assertThat(kernel.read(object, p)).isEqualTo(300 + p);
        }
    }

    private PagerStatus status(BackingStore store) {
        int at = store == a ? 0 : 1;
        return kernel.layer.pagers().status().get(at);
    }

    private long counter(String name) {
        Map<String, Long> values = new HashMap<>();
        kernel.layer.counters().forEach(values::put);
        return values.get(name);
    }

    private int drainAll() {
        int steps = 0;
        while (swap.drainStep()) {
            steps++;
            kernel.check();
        }
        return steps;
    }

    @Test
    void movesEverythingInClustersAndLeavesMemoryAlone() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(100);
        kernel.layer.attach(b, 0);
        assertThat(swap.drain(a)).isEqualTo(KernReturn.SUCCESS);
        assertThat(status(a).state()).isEqualTo("draining");
        assertThat(drainAll()).as("16 pages each, no block crossed").isEqualTo(7);
        assertThat(status(a))
                .satisfies(line -> assertThat(line.state()).isEqualTo("candidate"))
                .satisfies(line -> assertThat(line.pages()).isZero())
                .satisfies(line -> assertThat(line.moved()).isEqualTo(100));
        assertThat(a.available()).isEqualTo(1024);
        assertThat(b.available()).isEqualTo(924);
        assertThat(object.pages().count()).as("placeholders are gone").isZero();
        assertContents(object, 100);
        object.deallocate();
    }

    @Test
    void residentPagesStayAndDirtyOnesLoseTheirWorthlessCopy() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(3);
        assertThat(kernel.read(object, 0)).isEqualTo(300);
        kernel.layer.attach(b, 0);
        object.lock().lock();
        Page dirty = object.pages().lookup(1);
        assertThat(dirty).isNotNull();
        dirty.makeDirty();
        object.lock().unlock();
        kernel.layer.swap().drain(a);
        drainAll();
        assertThat(swap.pages(object)).isEqualTo(2);
        assertThat(b.available()).isEqualTo(1022);
        object.lock().lock();
        assertThat(object.pages().lookup(1).busied()).isFalse();
        assertThat(object.pages().lookup(0).dirty()).isZero();
        object.lock().unlock();
        assertContents(object, 3);
        object.deallocate();
    }

    @Test
    void useSendsNewPagesToTheChosenStoreAndMovesTheOthersAfterThem() {
        MemoryStore c = new MemoryStore(1024);
        kernel.layer.attach(a, 3);
        kernel.layer.attach(b, 1);
        kernel.layer.attach(c, 0);
        TestObject object = swapped(40);
        assertThat(a.available()).isEqualTo(984);
        assertThat(swap.use(b)).isEqualTo(KernReturn.SUCCESS);
        TestObject other = swapped(1);
        assertThat(b.available()).as("new ones at once").isEqualTo(1023);
        assertThat(swap.drainStep()).isTrue();
        assertThat(swap.use(c)).as("before the last has drained").isEqualTo(KernReturn.SUCCESS);
        drainAll();
        assertThat(c.available()).isEqualTo(1024 - 41);
        assertThat(a.available()).isEqualTo(1024);
        assertThat(b.available()).isEqualTo(1024);
        assertThat(swap.use(a)).isEqualTo(KernReturn.SUCCESS);
        assertThat(swap.drainStep()).isTrue();
        assertThat(swap.use(c)).as("back again").isEqualTo(KernReturn.SUCCESS);
        swap.awaitDrained();
        assertThat(c.available()).isEqualTo(1024 - 41);
        assertThat(swap.total()).as("all of them are swap space").isEqualTo(3 * 1024);
        assertContents(object, 40);
        object.deallocate();
        other.deallocate();
    }

    @Test
    void aCancelledDrainLeavesPagesInBoth() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(40);
        kernel.layer.attach(b, 0);
        swap.drain(a);
        assertThat(swap.drainStep()).isTrue();
        assertThat(swap.swapOn(a)).isEqualTo(KernReturn.SUCCESS);
        assertThat(swap.drainStep()).isFalse();
        assertThat(a.available()).isEqualTo(1024 - 24);
        assertThat(b.available()).isEqualTo(1024 - 16);
        assertThat(status(a).state()).isEqualTo("active");
        assertContents(object, 40);
        object.deallocate();
    }

    @Test
    void withoutAnotherStoreThereIsNoDrain() {
        assertThat(swap.drain(a)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        assertThat(swap.use(a)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        assertThat(swap.swapOn(a)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        kernel.layer.attach(a, 0);
        assertThat(swap.drain(a)).isEqualTo(KernReturn.RESOURCE_SHORTAGE);
        assertThat(swap.use(a)).as("it is in use already").isEqualTo(KernReturn.SUCCESS);
        assertThat(status(a).state()).isEqualTo("active");
    }

    @Test
    void whatDoesNotFitStays() {
        MemoryStore small = new MemoryStore(20);
        kernel.layer.attach(a, 0);
        TestObject object = swapped(50);
        kernel.layer.attach(small, 0);
        assertThat(swap.use(small)).isEqualTo(KernReturn.SUCCESS);
        drainAll();
        assertThat(small.available()).isZero();
        assertThat(a.available()).isEqualTo(1024 - 30);
        assertThat(status(a).state()).isEqualTo("candidate");
        TestObject more = swapped(5);
        assertThat(a.available()).as("takes what the other cannot").isEqualTo(1024 - 35);
        assertContents(object, 50);
        object.deallocate();
        more.deallocate();
    }

    @Test
    void whatCannotBeReadStaysAndEverythingElseMoves() throws IOException {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(20);
        assertThat(kernel.read(object, 9)).as("in memory, too").isEqualTo(309);
        kernel.evict(object, 8);
        kernel.layer.attach(b, 0);
        swap.setProbe((store, write, slot, pages) -> {
            if (store == a && slot <= 9 && slot + pages > 8) {
                throw new IOException("bad sectors");
            }
        });
        a.page(15)[100] ^= 1;
        kernel.evict(object, 15);
        swap.drain(a);
        assertThat(swap.drainStep()).isTrue();
        swap.awaitDrained();
        assertThat(a.available()).isEqualTo(1024 - 2);
        assertThat(swap.pages(object)).as("the one in memory is dirty now").isEqualTo(19);
        assertThat(counter("vm.swap.move_unreadable")).isEqualTo(2);
        assertThat(status(a).state()).isEqualTo("candidate");
        a.page(15)[100] ^= 1;
        swap.setProbe(null);
        assertContents(object, 20);
        object.deallocate();
    }

    @Test
    void aFailedReadSaysNothingWhenOneOfItsSlotsWasGivenBackMeanwhile() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(4);
        int[] reads = {0};
        swap.setProbe((store, write, slot, pages) -> {
            if (reads[0]++ == 0) {
                assertThat(pages).isEqualTo(4);
                object.lock().lock();
                swap.freeSpace(object, 3, 1);
                object.lock().unlock();
                throw new IOException("never written");
            }
        });
        assertThat(kernel.read(object, 1)).isEqualTo(301);
        assertThat(reads[0]).isEqualTo(2);
        assertThat(counter("vm.swap.read_errors")).isZero();
        object.deallocate();
    }

    @Test
    void anEmptyPageInMemoryIsNoCopyOfWhatCannotBeRead() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(2);
        kernel.layer.attach(b, 0);
        object.lock().lock();
        Page empty = kernel.pages.alloc(object, 1, Alloc.NORMAL);
        assertThat(empty).isNotNull();
        empty.xunbusy();
        object.lock().unlock();
        swap.setProbe((store, write, slot, pages) -> {
            if (store == a) {
                throw new IOException("bad sectors");
            }
        });
        swap.drain(a);
        drainAll();
        assertThat(a.available()).isEqualTo(1024 - 2);
        assertThat(empty.dirty()).isZero();
        swap.setProbe(null);
        swap.drain(a);
        drainAll();
        assertThat(b.available()).isEqualTo(1024 - 2);
        assertContents(object, 2);
        object.deallocate();
    }

    @Test
    void aTargetThatFailsIsPassedOver() {
        MemoryStore c = new MemoryStore(1024);
        kernel.layer.attach(a, 0);
        TestObject object = swapped(40);
        kernel.layer.attach(b, 2);
        kernel.layer.attach(c, 1);
        swap.setProbe((store, write, slot, pages) -> {
            if (store == b && write) {
                throw new IOException("no");
            }
        });
        swap.drain(a);
        drainAll();
        assertThat(c.available()).isEqualTo(1024 - 40);
        assertThat(b.available()).isEqualTo(1024);
        swap.drain(c);
        drainAll();
        assertThat(a.available()).as("the only one that takes them").isEqualTo(1024 - 40);
        assertContents(object, 40);
        object.deallocate();
    }

    @Test
    void pagesThatTheirStoreFailsToTakeGoToAnyOtherTheDrainingOneIncluded() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(20);
        kernel.layer.attach(b, 0);
        swap.use(b);
        swap.setProbe((store, write, slot, pages) -> {
            if (store == b && write) {
                throw new IOException("no");
            }
        });
        TestObject more = swapped(3);
        assertThat(a.available()).isEqualTo(1024 - 23);
        assertThat(b.available()).isEqualTo(1024);
        swap.setProbe(null);
        swap.awaitDrained();
        assertThat(b.available()).isEqualTo(1024 - 23);
        assertContents(more, 3);
        assertContents(object, 20);
        object.deallocate();
        more.deallocate();
    }

    @Test
    void whenNoStoreTakesThemPagesStayInMemory() {
        kernel.layer.attach(a, 0);
        kernel.layer.attach(b, 0);
        swap.setProbe((store, write, slot, pages) -> {
            throw new IOException("no");
        });
        TestObject object = kernel.object(ObjectType.DEFAULT, 2);
        kernel.fill(object, 0, 300);
        kernel.flushAll(object, 0, 1);
        object.lock().lock();
        assertThat(object.pages().lookup(0).dirty()).isEqualTo(Page.ALL);
        object.lock().unlock();
        swap.setProbe(null);
        kernel.flushAll(object, 0, 1);
        kernel.evict(object, 0);
        assertContents(object, 1);
        object.deallocate();
    }

    @Test
    void theCostFollowsWhatTheStoreHolds() {
        MemoryStore large = new MemoryStore(9000);
        kernel.layer.attach(large, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 10_000);
        assertThat(swap.reserve(object, 0, 8000)).isTrue();
        kernel.layer.attach(a, 5);
        TestObject mixed = swapped(64);
        for (long p : new long[] {500, 7000, 9999}) {
            kernel.fill(object, p, 300 + p);
            kernel.flushAll(object, p, 1);
            kernel.evict(object, p);
        }
        swap.drain(a);
        drainAll();
        assertThat(counter("vm.swap.move_visits")).as("blocks with pages there").isEqualTo(2 + 3);
        assertThat(counter("vm.swap.move_clusters")).isEqualTo(4 + 3);
        for (long p : new long[] {500, 7000, 9999}) {
            assertThat(kernel.read(object, p)).isEqualTo(300 + p);
        }
        object.deallocate();
        mixed.deallocate();
    }

    @Test
    void entriesGoWhileTheirBlockIsHalfWay() {
        kernel.layer.attach(a, 0);
        TestObject object = swapped(64);
        kernel.layer.attach(b, 0);
        swap.drain(a);
        swap.drainStep();
        object.lock().lock();
        swap.freeSpace(object, 10, 10);
        object.lock().unlock();
        TestObject half = kernel.object(ObjectType.DEFAULT, 16);
        object.lock().lock();
        half.lock().lock();
        swap.copy(object, half, 24, false);
        half.lock().unlock();
        object.lock().unlock();
        drainAll();
        assertThat(a.available()).isEqualTo(1024);
        assertThat(b.available()).isEqualTo(1024 - 54);
        for (long p = 0; p < 16; p++) {
            assertThat(kernel.read(half, p)).isEqualTo(324 + p);
        }
        object.deallocate();
        half.deallocate();
    }

    @Test
    void anythingInAnyOrder() {
        long seed = System.nanoTime();
        System.out.println("drains in any order: seed " + seed);
        Random random = new Random(seed);
        MemoryStore[] stores = {a, b, new MemoryStore(60)};
        for (MemoryStore store : stores) {
            kernel.layer.attach(store, random.nextInt(2));
        }
        Map<Long, Long> model = new HashMap<>();
        TestObject object = kernel.object(ObjectType.DEFAULT, 200);
        for (int i = 0; i < 4000; i++) {
            long p = random.nextInt(200);
            MemoryStore store = stores[random.nextInt(3)];
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> {
                    kernel.fill(object, p, i);
                    kernel.flushAll(object, p, 1);
                    kernel.evict(object, p);
                    model.put(p, (long) i);
                }
                case 3 -> {
                    if (model.containsKey(p)) {
                        assertThat(kernel.read(object, p)).isEqualTo(model.get(p));
                    }
                }
                case 4 -> {
                    object.lock().lock();
                    swap.freeSpace(object, p, 1);
                    object.lock().unlock();
                    kernel.evict(object, p);
                    model.remove(p);
                }
                case 5 -> swap.use(store);
                case 6 -> swap.drain(store);
                case 7 -> swap.swapOn(store);
                default -> swap.drainStep();
            }
        }
        swap.awaitDrained();
        kernel.check();
        model.forEach((p, tag) -> assertThat(kernel.read(object, p)).isEqualTo(tag));
        object.deallocate();
    }
}
