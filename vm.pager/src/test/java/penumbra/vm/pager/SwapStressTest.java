// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.BackingStore;
import penumbra.pager.MemoryStore;
import penumbra.pager.PagerResult;
import penumbra.pager.swap.FileStore;

/**
 * Threads that read and write pages of shared objects while a daemon pages them out and stores come, leave and are
 * swapped off; what each page holds is known from an array that shares nothing with the VM.
 */
@Timeout(300)
class SwapStressTest {
    private static final int OBJECTS = 6;
    private static final int PAGES = 96;
    private static final int WORKERS = 4;
    private static final int STEPS = 2_000;

    @TempDir
    private Path directory;

    private final TestKernel kernel = TestKernel.threaded(4096);
    private final List<TestObject> objects = new ArrayList<>();

    /** What each page holds; belongs to whoever has the page busy. */
    private final long[][] model = new long[OBJECTS][PAGES];

    /** Pages that came back from a store. */
    private final AtomicLong served = new AtomicLong();

    /** What the operators did. */
    private final AtomicLong rounds = new AtomicLong();

    private interface Work {
        void run(Random random) throws Exception;
    }

    /** Runs until everything has happened often enough. */
    private void run(long seed, long leastRounds, List<Work> operators) throws Exception {
        System.out.println("swap stress: seed " + seed);
        for (int i = 0; i < OBJECTS; i++) {
            objects.add(kernel.object(ObjectType.DEFAULT, PAGES));
        }
        AtomicBoolean done = new AtomicBoolean();
        List<CompletableFuture<Void>> all = new ArrayList<>();
        CountDownLatch working = new CountDownLatch(WORKERS);
        for (int t = 0; t < WORKERS; t++) {
            all.add(start(new Random(seed + t), random -> {
                for (int i = 0; !done.get(); i++) {
                    access(random);
                    if (i == STEPS) {
                        working.countDown();
                    }
                    if (working.getCount() == 0 && served.get() >= STEPS && rounds.get() >= leastRounds) {
                        done.set(true);
                    }
                }
            }));
        }
        all.add(start(new Random(seed - 1), random -> {
            kernel.pages.setDaemonThread(true);
            while (!done.get()) {
                pageOut(random);
            }
            kernel.pages.setDaemonThread(false);
        }));
        for (Work operator : operators) {
            all.add(start(new Random(seed - 2), random -> {
                while (!done.get()) {
                    operator.run(random);
                }
            }));
        }
        finish(all);
        assertThat(kernel.machine.panic()).isNull();
        for (TestObject object : objects) {
            object.lock().lock();
            object.pipWait("rest");
            object.lock().unlock();
        }
        kernel.check();
        for (int o = 0; o < OBJECTS; o++) {
            for (int p = 0; p < PAGES; p++) {
                if (model[o][p] != 0) {
                    assertThat(kernel.read(objects.get(o), p)).isEqualTo(model[o][p]);
                }
            }
        }
        objects.forEach(TestObject::deallocate);
        kernel.check();
        kernel.close();
    }

    /** Waits for all, or for the first that fails. */
    private static void finish(List<CompletableFuture<Void>> all) throws Exception {
        BlockingQueue<CompletableFuture<Void>> finished = new LinkedBlockingQueue<>();
        for (CompletableFuture<Void> each : all) {
            each.whenComplete((nothing, thrown) -> finished.add(each)).exceptionally(thrown -> null);
        }
        for (int i = 0; i < all.size(); i++) {
            finished.take().get();
        }
    }

    private static CompletableFuture<Void> start(Random random, Work work) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                work.run(random);
                result.complete(null);
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return result;
    }

    /** Looks at a page, reading it in if need be, and now and then writes it. */
    private void access(Random random) {
        int o = random.nextInt(OBJECTS);
        int p = random.nextInt(PAGES);
        TestObject object = objects.get(o);
        object.lock().lock();
        Page page = kernel.pages.grab(object, p, Alloc.NORMAL);
        if (page.valid() != Page.ALL) {
            PagerResult result = kernel.layer.pagers().getPages(object, new Page[] {page}, 1, 0);
            if (result == PagerResult.OK) {
                served.incrementAndGet();
            } else {
                assertThat(result).isEqualTo(PagerResult.FAIL);
                assertThat(model[o][p])
                        .as("object %d page %d is lost", object.id(), p)
                        .isZero();
                kernel.pmaps.zeroPage(page);
                page.setValid(Page.ALL);
            }
        }
        object.lock().unlock();
        assertThat(kernel.tag(page)).as("object %d page %d", object.id(), p).isEqualTo(model[o][p]);
        boolean write = random.nextInt(3) == 0;
        if (write) {
            model[o][p] = random.nextLong();
            kernel.stamp(page, model[o][p]);
        }
        object.lock().lock();
        if (write) {
            page.makeDirty();
            kernel.layer.pagers().pageUnswapped(page);
        }
        page.activate();
        page.xunbusy();
        object.lock().unlock();
    }

    /** Writes a run of dirty pages of one object out, and frees clean ones of another. */
    private void pageOut(Random random) {
        TestObject object = objects.get(random.nextInt(OBJECTS));
        long from = random.nextInt(PAGES);
        object.lock().lock();
        @Nullable Page first = object.pages().findLeast(from);
        int count = 0;
        long start = first == null ? 0 : first.pindex();
        for (@Nullable Page page = first;
                page != null && count < 24 && page.dirty() != 0 && !page.busied() && page.valid() == Page.ALL;
                page = object.pages().next(page)) {
            count++;
        }
        object.lock().unlock();
        if (count > 0) {
            kernel.flush(object, start, 1 + random.nextInt(count), 0);
        }
        TestObject other = objects.get(random.nextInt(OBJECTS));
        other.lock().lock();
        @Nullable Page next;
        for (@Nullable Page page = other.pages().findLeast(random.nextInt(PAGES)); page != null; page = next) {
            next = other.pages().after(page);
            if (!page.tryToFree() && random.nextInt(8) == 0) {
                break;
            }
        }
        other.lock().unlock();
    }

    @Test
    void oneStore() throws Exception {
        kernel.layer.attach(new MemoryStore(2000), 0);
        run(System.nanoTime(), 0, List.of());
    }

    @Test
    void storesAreSwappedOffInTurns() throws Exception {
        List<BackingStore> stores = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            stores.add(
                    i == 0
                            ? FileStore.open("file", directory.resolve("swap"), 800, false, false)
                            : new MemoryStore(800));
            kernel.layer.attach(stores.get(i), 0);
        }
        run(System.nanoTime(), 20, List.of(random -> {
            BackingStore store = stores.get(random.nextInt(3));
            assertThat(kernel.layer.swap().swapOff(store)).isEqualTo(KernReturn.SUCCESS);
            assertThat(kernel.layer.attach(store, 0)).isTrue();
            rounds.incrementAndGet();
        }));
    }

    @Test
    void storesLeaveAndComeBack() throws Exception {
        kernel.layer.setLimits(120_000, 120_000);
        FileStore[] store = {open()};
        kernel.layer.attach(store[0], 0);
        run(System.nanoTime(), 20, List.of(random -> {
            kernel.layer.detach(store[0]);
            store[0].close();
            store[0] = open();
            assertThat(kernel.layer.attach(store[0], 0)).isTrue();
            rounds.incrementAndGet();
        }));
    }

    private FileStore open() throws IOException {
        return FileStore.open("file", directory.resolve("swap"), 2000, false, false);
    }

    @Test
    void writesFailNowAndThen() throws Exception {
        kernel.layer.attach(new MemoryStore(2000), 0);
        AtomicLong transfers = new AtomicLong();
        kernel.layer.swap().setProbe((store, write, slot, pages) -> {
            if (write && transfers.incrementAndGet() % 5 == 0) {
                throw new IOException("every fifth write fails");
            }
        });
        run(System.nanoTime(), 0, List.of());
    }
}
