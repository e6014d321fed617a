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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;

@Timeout(60)
class BusyTest {
    private Fixture f;

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void exclusiveAndSharedKeepEachOtherOut() {
        f = Fixture.stepped(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.valid(owner, 0);
        assertThat(page.busied()).isFalse();
        page.xbusy();
        assertThat(page.xbusied()).isTrue();
        assertThat(page.sharedBusy()).isZero();
        assertThat(page.tryXbusy()).isFalse();
        assertThat(page.trySbusy()).isFalse();
        assertThatThrownBy(page::xbusy).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(page::sbusy).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(page::sunbusy).isInstanceOf(KernelPanic.class);
        page.busyDowngrade();
        assertThat(page.xbusied()).isFalse();
        assertThat(page.sharedBusy()).isEqualTo(1);
        page.sbusy();
        assertThat(page.trySbusy()).isTrue();
        assertThat(page.sharedBusy()).isEqualTo(3);
        assertThat(page.tryXbusy()).isFalse();
        assertThatThrownBy(page::busyDowngrade).isInstanceOf(KernelPanic.class);
        page.sunbusy();
        page.sunbusy();
        assertThat(page.busied()).isTrue();
        page.sunbusy();
        assertThat(page.busied()).isFalse();
        assertThatThrownBy(page::sunbusy).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(page::xunbusy).isInstanceOf(KernelPanic.class);
    }

    @Test
    void everyExclusiveBusyHasASerialOfItsOwn() {
        f = Fixture.stepped(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.pages.alloc(owner, 0, 0);
        int last = page.busySerial();
        assertThat(last).isNotZero();
        for (int i = 0; i < 70_000; i++) {
            page.xunbusy();
            page.sbusy();
            page.sunbusy();
            assertThat(page.busySerial()).isEqualTo(last);
            page.xbusy();
            assertThat(page.busySerial()).isNotZero().isNotEqualTo(last);
            last = page.busySerial();
        }
        page.xunbusy();
        f.pages.free(page);
        assertThat(f.pages.alloc(owner, 0, 0)).isSameAs(page);
        assertThat(page.busySerial()).isNotEqualTo(last);
    }

    @Test
    void aSteppedMachineDoesNotSleep() {
        f = Fixture.stepped(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.pages.alloc(owner, 0, 0);
        assertThatThrownBy(() -> page.sleepIfBusy("pgtest"))
                .isInstanceOfSatisfying(
                        WouldBlock.class, e -> assertThat(e.waitMessage()).isEqualTo("pgtest"));
        assertThat(page.hasBusyWaiters()).isTrue();
    }

    @Test
    void everybodySleepsUntilTheBusyEnds() throws Exception {
        f = Fixture.threaded(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.pages.alloc(owner, 7, 0);
        owner.lock.unlock();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Page>> grabs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            grabs.add(threads.submit(() -> {
                owner.lock.lock();
                Page grabbed = f.pages.grab(owner, 7, Alloc.SBUSY | Alloc.IGN_SBUSY);
                owner.lock.unlock();
                return grabbed;
            }));
        }
        waitUntil(() -> page.hasBusyWaiters());
        owner.lock.lock();
        assertThat(page.aflags() & PageFlags.A_REFERENCED).isNotZero();
        page.xunbusy();
        owner.lock.unlock();
        for (Future<Page> grab : grabs) {
            assertThat(grab.get()).isSameAs(page);
        }
        assertThat(page.sharedBusy()).isEqualTo(4);
        assertThat(page.hasBusyWaiters()).isFalse();
        threads.shutdown();
        assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    }

    @Test
    void losingItsOwnerWakesWhoSleepsOnAPage() throws Exception {
        f = Fixture.threaded(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.pages.alloc(owner, 7, 0);
        owner.lock.unlock();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<Boolean> sleeper = thread.submit(() -> {
            owner.lock.lock();
            boolean slept = page.sleepIfBusy("test");
            owner.lock.unlock();
            return slept;
        });
        waitUntil(() -> page.hasBusyWaiters());
        owner.lock.lock();
        f.pages.free(page);
        owner.lock.unlock();
        assertThat(sleeper.get()).isTrue();
        assertThat(page.busied()).isFalse();
        thread.shutdown();
    }

    /** Waits for something that another thread is about to do, giving it the processor. */
    static void waitUntil(java.util.function.BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    /** Writers and readers of a page's contents, told apart by its busy state alone. */
    @Test
    void busyIsAReaderWriterLockForManyThreads() throws Exception {
        f = Fixture.threaded(1024);
        TestOwner owner = f.lockedOwner("owner");
        Page page = f.valid(owner, 3);
        owner.lock.unlock();
        long seed = System.nanoTime();
        System.out.println("busy seed " + seed);
        AtomicInteger writers = new AtomicInteger();
        AtomicInteger readers = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<?>> done = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Random random = new Random(seed + t);
            done.add(threads.submit(() -> {
                for (int i = 0; i < 5_000; i++) {
                    visit(owner, page, random, writers, readers);
                }
                return null;
            }));
        }
        for (Future<?> future : done) {
            future.get();
        }
        threads.shutdown();
        assertThat(page.busied()).isFalse();
        assertThat(page.hasBusyWaiters()).isFalse();
        f.check();
    }

    private void visit(TestOwner owner, Page page, Random random, AtomicInteger writers, AtomicInteger readers) {
        boolean write = random.nextBoolean();
        owner.lock.lock();
        Page mine = f.pages.grab(owner, 3, write ? 0 : Alloc.SBUSY | Alloc.IGN_SBUSY);
        owner.lock.unlock();
        assertThat(mine).isSameAs(page);
        if (write) {
            assertThat(writers.incrementAndGet()).isEqualTo(1);
            assertThat(readers.get()).isZero();
            writers.decrementAndGet();
            owner.lock.lock();
            if (random.nextBoolean()) {
                page.busyDowngrade();
                owner.lock.unlock();
                owner.lock.lock();
                page.sunbusy();
            } else {
                page.xunbusy();
            }
            owner.lock.unlock();
        } else {
            readers.incrementAndGet();
            assertThat(writers.get()).isZero();
            readers.decrementAndGet();
            owner.lock.lock();
            page.sunbusy();
            owner.lock.unlock();
        }
    }
}
