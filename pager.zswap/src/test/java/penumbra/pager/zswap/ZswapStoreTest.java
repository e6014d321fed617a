// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.SegmentUse;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.pager.BackingStore;
import penumbra.pager.BackingStoreContract;

class ZswapStoreTest extends BackingStoreContract {
    private static final int LEVEL = -4;

    /** Room for the contract's slots even if nothing compresses. */
    private final FrameMemory contract = memory(400);

    /** That of the other tests. */
    private FrameMemory memory = memory(1);

    private static FrameMemory memory(int compressedPages) {
        return new FrameMemory(
                new MemoryLayout(PageSize.bytes(16), PageSize.bytes(1), PageSize.bytes(compressedPages)));
    }

    @Override
    protected BackingStore create() throws IOException {
        return ZswapStore.open("zswap", contract, SLOTS, LEVEL);
    }

    @Override
    protected void dispose(BackingStore used) {
        ((ZswapStore) used).close();
        contract.close();
    }

    @AfterEach
    void switchOff() {
        memory.close();
    }

    /** A store with little memory and many slots. */
    private ZswapStore openSmall(int compressedPages, long slots) throws IOException {
        memory.close();
        memory = memory(compressedPages);
        return ZswapStore.open("zswap", memory, slots, LEVEL);
    }

    private static long figure(ZswapStore store, String name) {
        Map<String, Long> figures = new HashMap<>();
        store.forEach(figures::put);
        return figures.get("vm.zswap." + name);
    }

    private static ByteBuffer text(long seed) {
        Random random = new Random(seed);
        String[] words = {"page ", "object ", "shadow ", "of the ", "swap ", "is ", "a ", "backing store\n"};
        StringBuilder text = new StringBuilder();
        while (text.length() < PageSize.BYTES) {
            text.append(words[random.nextInt(words.length)]);
        }
        return ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.US_ASCII), 0, PageSize.BYTES);
    }

    private static ByteBuffer noise(long seed) {
        byte[] bytes = new byte[PageSize.BYTES];
        new Random(seed).nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }

    private static ByteBuffer same(long word) {
        ByteBuffer page = ByteBuffer.allocate(PageSize.BYTES);
        while (page.hasRemaining()) {
            page.putLong(word);
        }
        return page.flip();
    }

    private static ByteBuffer read(BackingStore store, long slot) throws IOException {
        ByteBuffer page = ByteBuffer.allocateDirect(PageSize.BYTES);
        store.read(slot, page);
        return page.flip();
    }

    @Test
    void textTakesLessThanItIs() throws IOException {
        try (ZswapStore store = openSmall(64, 300)) {
            for (int i = 0; i < 100; i++) {
                store.write(store.allocate(1), text(i));
            }
            assertThat(figure(store, "pages")).isEqualTo(100);
            assertThat(figure(store, "ratio_percent"))
                    .isEqualTo(store.ratioPercent())
                    .isBetween(10L, 50L);
            for (int i = 0; i < 100; i++) {
                assertThat(read(store, i)).isEqualTo(text(i).slice());
            }
        }
    }

    @Test
    void aPageOfOneWordTakesEightBytes() throws IOException {
        try (ZswapStore store = openSmall(4, 100)) {
            long before = figure(store, "free_bytes");
            for (int i = 0; i < 90; i++) {
                store.write(store.allocate(1), same(i * 0x0101010101010101L));
            }
            assertThat(figure(store, "same_filled_pages")).isEqualTo(90);
            assertThat(figure(store, "stored_bytes")).isEqualTo(90 * Long.BYTES);
            assertThat(figure(store, "free_bytes")).isEqualTo(before);
            assertThat(read(store, 77)).isEqualTo(same(77 * 0x0101010101010101L));
            assertThat(store.ratioPercent()).isZero();
        }
    }

    @Test
    void noiseIsStoredAsItIs() throws IOException {
        try (ZswapStore store = openSmall(16, 20)) {
            store.write(store.allocate(1), noise(1));
            assertThat(figure(store, "incompressible_pages")).isEqualTo(1);
            assertThat(store.ratioPercent()).isBetween(100L, 110L);
            assertThat(read(store, 0)).isEqualTo(noise(1));
        }
    }

    @Test
    void aFullMemoryAnswersAsAFullDevice() throws IOException {
        try (ZswapStore store = openSmall(16, 1000)) {
            long written = 0;
            for (long slot = store.allocate(2); slot != BackingStore.NO_SLOT; slot = store.allocate(2)) {
                store.write(slot, noise(slot));
                store.write(slot + 1, noise(slot + 1));
                written += 2;
            }
            assertThat(written).isBetween(8L, 14L);
            assertThat(store.available()).isEqualTo(1000 - written);
            for (long slot = 0; slot < written; slot++) {
                assertThat(read(store, slot)).isEqualTo(noise(slot));
            }
            store.free(3, 2);
            assertThat(store.allocate(2)).isEqualTo(3);
        }
    }

    @Test
    void whatWasAllocatedCanBeWrittenHoweverBadlyItCompresses() throws IOException {
        try (ZswapStore store = openSmall(16, 1000)) {
            long last = -1;
            for (long slot = store.allocate(1); slot != BackingStore.NO_SLOT; slot = store.allocate(1)) {
                last = slot;
            }
            for (long slot = 0; slot <= last; slot++) {
                store.write(slot, noise(slot));
            }
            for (long slot = 0; slot <= last; slot++) {
                assertThat(read(store, slot)).isEqualTo(noise(slot));
            }
        }
    }

    @Test
    void writingAgainGivesTheOldMemoryBack() throws IOException {
        try (ZswapStore store = openSmall(16, 1000)) {
            long slot = store.allocate(1);
            for (int i = 0; i < 100; i++) {
                store.write(slot, i % 3 == 0 ? noise(i) : i % 3 == 1 ? text(i) : same(i));
            }
            assertThat(read(store, slot)).isEqualTo(noise(99));
            assertThat(figure(store, "pages")).isEqualTo(1);
            store.free(slot, 1);
            assertThat(figure(store, "stored_bytes")).isZero();
            assertThat(figure(store, "pages")).isZero();
        }
    }

    @Test
    void aRewriteThatFindsNoRoomKeepsTheOldContents() throws IOException {
        try (ZswapStore store = openSmall(16, 1000)) {
            long slot = store.allocate(1);
            store.write(slot, text(1));
            while (store.allocate(1) != BackingStore.NO_SLOT) {}
            assertThatThrownBy(() -> store.write(slot, noise(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("full");
            assertThat(read(store, slot)).isEqualTo(text(1).slice());
        }
    }

    @Test
    void aStoreThatComesBackFindsItsPages() throws IOException {
        String identity;
        try (ZswapStore store = openSmall(64, 300)) {
            identity = store.identity();
            assertThat(store.allocate(6)).isZero();
            store.write(0, text(0));
            store.write(1, noise(1));
            store.write(2, same(2));
            store.write(3, text(3));
        }
        try (ZswapStore store = ZswapStore.open("zswap", memory, 300, LEVEL)) {
            assertThat(store.identity()).isEqualTo(identity);
            assertThat(store.allocate(1)).isEqualTo(BackingStore.NO_SLOT);
            store.reattach(used -> {
                for (long slot : new long[] {0, 1, 2, 5}) {
                    used.accept(slot);
                }
            });
            assertThat(store.available()).isEqualTo(296);
            assertThat(figure(store, "pages")).isEqualTo(3);
            assertThat(store.allocate(1)).isEqualTo(3);
            store.write(3, noise(33));
            store.write(5, noise(55));
            assertThat(read(store, 0)).isEqualTo(text(0).slice());
            assertThat(read(store, 1)).isEqualTo(noise(1));
            assertThat(read(store, 2)).isEqualTo(same(2));
            assertThat(read(store, 3)).isEqualTo(noise(33));
            assertThat(read(store, 5)).isEqualTo(noise(55));
        }
    }

    @Test
    void anotherShapeWaitsUntilTheStoreIsRetired() throws IOException {
        String first;
        try (ZswapStore store = openSmall(64, 300)) {
            first = store.identity();
            store.allocate(1);
            store.write(0, text(0));
        }
        try (ZswapStore store = ZswapStore.open("zswap", memory, 200, LEVEL)) {
            assertThat(store.identity()).isEqualTo(first);
            assertThat(store.capacity()).isEqualTo(300);
            store.reattach(used -> used.accept(0));
            assertThat(read(store, 0)).isEqualTo(text(0).slice());
            store.retire();
        }
        try (ZswapStore store = ZswapStore.open("zswap", memory, 200, LEVEL)) {
            assertThat(store.identity()).isNotEqualTo(first);
            assertThat(store.available()).isEqualTo(200);
        }
    }

    @Test
    void aClosedStoreHasGivenBackWhatZstdHad() throws IOException {
        ZswapStore store = openSmall(16, 64);
        long slot = store.allocate(1);
        store.write(slot, text(1));
        assertThat(figure(store, "codecs")).isEqualTo(1);
        store.close();
        assertThat(figure(store, "codecs")).isZero();
    }

    @Test
    void oneStoreAtATimeHasTheMemory() throws IOException {
        ZswapStore store = openSmall(64, 300);
        assertThatThrownBy(() -> ZswapStore.open("other", memory, 300, LEVEL))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("in use");
        store.close();
        ZswapStore.open("other", memory, 300, LEVEL).close();
        assertThatThrownBy(() -> store.write(0, text(0))).isInstanceOf(IOException.class);
    }

    @Test
    void damagedMemoryIsRefused() throws IOException {
        try (ZswapStore store = openSmall(64, 300)) {
            store.allocate(2);
            store.write(0, text(0));
            store.write(1, text(1));
        }
        try (ZswapStore store = ZswapStore.open("zswap", memory, 300, LEVEL)) {
            MemorySegment segment = memory.segments().stream()
                    .filter(each -> each.use() == SegmentUse.COMPRESSED)
                    .findFirst()
                    .orElseThrow();
            // Both entries name the same chain.
            memory.store(segment.firstFrame(), 64 + 16, Long.BYTES, memory.load(segment.firstFrame(), 64, Long.BYTES));
            assertThatThrownBy(() -> store.reattach(used -> {
                        used.accept(0);
                        used.accept(1);
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("slot 1 ")
                    .hasMessageContaining("damaged");
            store.reattach(used -> used.accept(0));
            assertThat(read(store, 0)).isEqualTo(text(0).slice());
        }
    }

    @Test
    void slotsThatWereNeverWrittenHaveNothingToRead() throws IOException {
        try (ZswapStore store = openSmall(64, 300)) {
            long slot = store.allocate(1);
            assertThatThrownBy(() -> read(store, slot)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> store.write(slot + 1, text(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not allocated");
        }
    }

    @Test
    void noCompressedMemoryIsOneClearLine() {
        memory.close();
        memory = new FrameMemory(MemoryLayout.ofFrames(16));
        assertThatThrownBy(() -> ZswapStore.slotsFor(memory, 3))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("compressed.bytes");
        memory.close();
        memory = memory(1);
        assertThatThrownBy(() -> ZswapStore.open("zswap", memory, 300, LEVEL))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("too few");
    }
}
