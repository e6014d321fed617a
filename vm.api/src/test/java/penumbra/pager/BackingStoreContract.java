// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;

/** What any {@link BackingStore} must do: extend this class and say how to make one. */
public abstract class BackingStoreContract {
    /** Enough for every test and for runs of 32. */
    protected static final long SLOTS = 300;

    private BackingStore store;

    /** Makes a store with {@link #SLOTS} slots, of which at least 256 can be allocated, and none is. */
    protected abstract BackingStore create() throws Exception;

    /** Gives up what {@link #create} made. */
    protected void dispose(BackingStore used) throws Exception {
        used.retire();
    }

    @BeforeEach
    void makeStore() throws Exception {
        store = create();
    }

    @AfterEach
    void disposeOfStore() throws Exception {
        dispose(store);
    }

    @Test
    void saysWhoItIs() {
        assertThat(store.name()).isNotBlank();
        assertThat(store.identity()).isNotBlank().isEqualTo(store.identity());
        assertThat(store.capacity()).isEqualTo(SLOTS);
        assertThat(store.available()).isBetween(256L, SLOTS);
    }

    @Test
    void handsOutEverySlotOnceAndTakesThemBack() {
        long free = store.available();
        BitSet taken = new BitSet();
        for (long i = 0; i < free; i++) {
            take(taken, store.allocate(1), 1);
            assertThat(store.available()).isEqualTo(free - i - 1);
        }
        assertThat(store.allocate(1)).isEqualTo(BackingStore.NO_SLOT);
        taken.stream().forEach(slot -> store.free(slot, 1));
        assertThat(store.available()).isEqualTo(free);
        assertThat(store.allocate(32)).isNotEqualTo(BackingStore.NO_SLOT);
    }

    @Test
    void handsOutRunsOfEverySizeThatDoNotOverlap() {
        BitSet taken = new BitSet();
        for (int n = 1; n <= 32 && store.available() >= SLOTS / 2; n++) {
            take(taken, store.allocate(n), n);
        }
    }

    private static void take(BitSet taken, long slot, int count) {
        assertThat(slot).isBetween(0L, SLOTS - count);
        for (int i = 0; i < count; i++) {
            assertThat(taken.get((int) slot + i))
                    .as("slot %d taken twice", slot + i)
                    .isFalse();
            taken.set((int) slot + i);
        }
    }

    @Test
    void takesBackPartsOfRuns() {
        long free = store.available();
        long run = store.allocate(16);
        store.free(run + 3, 5);
        assertThat(store.available()).isEqualTo(free - 11);
        store.free(run, 3);
        store.free(run + 8, 8);
        assertThat(store.available()).isEqualTo(free);
    }

    @Test
    void keepsWhatIsWritten() throws IOException {
        long seed = System.nanoTime();
        System.out.println("keepsWhatIsWritten: seed " + seed);
        Random random = new Random(seed);
        Map<Long, Long> model = new HashMap<>();
        for (int i = 0; i < 400; i++) {
            int n = 1 + random.nextInt(BackingStore.MAX_RUN);
            long slot = store.allocate(n);
            if (slot != BackingStore.NO_SLOT) {
                ByteBuffer run = run(n);
                for (int page = 0; page < n; page++) {
                    long tag = random.nextLong();
                    fill(run, page, tag);
                    model.put(slot + page, tag);
                }
                store.write(slot, run);
                assertThat(run.hasRemaining()).isFalse();
            }
            List<Long> slots = new ArrayList<>(model.keySet());
            long victim = slots.get(random.nextInt(slots.size()));
            ByteBuffer page = run(1);
            store.read(victim, page);
            assertThat(page.hasRemaining()).isFalse();
            check(page, 0, model.get(victim));
            if (slot == BackingStore.NO_SLOT || random.nextBoolean()) {
                store.free(victim, 1);
                model.remove(victim);
            }
        }
    }

    @Test
    void respectsPositionAndLimit() throws IOException {
        long slot = store.allocate(3);
        ByteBuffer run = run(5);
        for (int page = 0; page < 5; page++) {
            fill(run, page, 100 + page);
        }
        store.write(slot, run.limit(4 * PageSize.BYTES).position(PageSize.BYTES));
        assertThat(run.position()).isEqualTo(run.limit());
        ByteBuffer back = run(5);
        store.read(slot + 1, back.limit(2 * PageSize.BYTES).position(PageSize.BYTES));
        check(back, 1, 102);
        check(back, 0, 0);
        check(back, 2, 0);
    }

    @Test
    void aWriteReplacesWhatWasThere() throws IOException {
        long slot = store.allocate(2);
        ByteBuffer run = run(2);
        fill(run, 0, 1);
        fill(run, 1, 2);
        store.write(slot, run);
        run.clear();
        fill(run, 0, 3);
        store.write(slot, run.limit(PageSize.BYTES).position(0));
        ByteBuffer back = run(2);
        store.read(slot, back);
        check(back, 0, 3);
        check(back, 1, 2);
    }

    @Test
    void comesBackWithTheSlotsThatAreNamed() throws IOException {
        long first = store.allocate(4);
        long second = store.allocate(1);
        ByteBuffer run = run(4);
        fill(run, 2, 77);
        store.write(first, run);
        long free = store.available();
        store.reattach(visitor -> {
            visitor.accept(first + 2);
            visitor.accept(second);
        });
        assertThat(store.available()).isEqualTo(free + 3);
        ByteBuffer back = run(1);
        store.read(first + 2, back);
        check(back, 0, 77);
        BitSet taken = new BitSet();
        take(taken, first + 2, 1);
        take(taken, second, 1);
        while (store.available() > 0) {
            take(taken, store.allocate(1), 1);
        }
    }

    @Test
    void refusesToComeBackWithSlotsThatCannotBeItsOwn() {
        long free = store.available();
        long slot = store.allocate(1);
        assertThatThrownBy(() -> store.reattach(visitor -> {
                    visitor.accept(slot + 1);
                    visitor.accept(SLOTS);
                }))
                .isInstanceOf(IOException.class);
        assertThat(store.available()).isEqualTo(free - 1);
    }

    @Test
    void beginsAnewAfterItWasRetired() throws IOException {
        long free = store.available();
        store.allocate(5);
        store.retire();
        store.reattach(visitor -> {});
        assertThat(store.capacity()).isEqualTo(SLOTS);
        assertThat(store.available()).isEqualTo(free);
        long slot = store.allocate(1);
        ByteBuffer page = run(1);
        fill(page, 0, 9);
        store.write(slot, page);
        ByteBuffer back = run(1);
        store.read(slot, back);
        check(back, 0, 9);
    }

    @Test
    void readsOutsideOfItFail() {
        assertThatThrownBy(() -> store.read(SLOTS, run(1))).isInstanceOf(IOException.class);
    }

    @Test
    void servesManyThreads() throws Exception {
        int threads = 8;
        CountDownLatch start = new CountDownLatch(1);
        long free = store.available();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                Random random = new Random(t);
                done.add(pool.submit(() -> {
                    start.await();
                    for (int i = 0; i < 300; i++) {
                        writeReadFree(random);
                    }
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> each : done) {
                each.get();
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(store.available()).isEqualTo(free);
    }

    private void writeReadFree(Random random) throws IOException {
        int n = 1 + random.nextInt(BackingStore.MAX_RUN);
        long slot = store.allocate(n);
        if (slot == BackingStore.NO_SLOT) {
            return;
        }
        ByteBuffer run = run(n);
        long tag = random.nextLong();
        for (int page = 0; page < n; page++) {
            fill(run, page, tag + page);
        }
        store.write(slot, run);
        ByteBuffer back = run(n);
        store.read(slot, back);
        for (int page = 0; page < n; page++) {
            check(back, page, tag + page);
        }
        store.free(slot, n);
    }

    private static ByteBuffer run(int pages) {
        return ByteBuffer.allocateDirect((pages + 1) * PageSize.BYTES)
                .alignedSlice(PageSize.BYTES)
                .limit(pages * PageSize.BYTES)
                .slice();
    }

    private static void fill(ByteBuffer run, int page, long tag) {
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            run.putLong(page * PageSize.BYTES + at, tag);
        }
    }

    private static void check(ByteBuffer run, int page, long tag) {
        ByteBuffer all = run.duplicate().clear();
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            long found = all.getLong(page * PageSize.BYTES + at);
            if (found != tag) {
                assertThat(found).as("page %d byte %d", page, at).isEqualTo(tag);
            }
        }
    }
}
