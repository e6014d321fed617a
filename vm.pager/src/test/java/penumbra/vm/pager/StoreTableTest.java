// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.pager.BackingStore;
import penumbra.pager.MemoryStore;
import penumbra.pager.PagerResult;
import penumbra.pager.PagerStatus;
import penumbra.pager.SwapSpace;
import penumbra.pager.swap.FileStore;

class StoreTableTest {
    private final TestKernel kernel = TestKernel.stepped(1024, Fidelity.CORRECTED);
    private final SwapSpace swap = kernel.layer.swap();

    @TempDir
    private Path directory;

    @AfterEach
    void shutDown() {
        kernel.check();
        kernel.close();
    }

    private TestObject swapped(int pages) {
        return kernel.swapped(pages, 70);
    }

    private String state(BackingStore store) {
        return kernel.layer.pagers().status().stream()
                .filter(line -> line.name().equals(store.name()))
                .map(PagerStatus::state)
                .findFirst()
                .orElse("gone");
    }

    @Test
    void theHighestRankingTakesThePagesUntilItIsFull() {
        MemoryStore slow = new MemoryStore(600);
        MemoryStore fast = new MemoryStore(3);
        kernel.layer.attach(slow, 1);
        kernel.layer.attach(fast, 5);
        assertThat(swap.stores()).containsExactly(fast, slow);
        TestObject object = swapped(5);
        assertThat(fast.available()).isZero();
        assertThat(slow.available()).isEqualTo(598);
        IntStream.range(0, 5).forEach(p -> assertThat(kernel.read(object, p)).isEqualTo(70 + p));
        object.deallocate();
        assertThat(swap.available()).isEqualTo(603);
    }

    @Test
    void theSameStoreIsNotTakenTwice() {
        MemoryStore store = new MemoryStore(600);
        assertThat(kernel.layer.attach(store, 0)).isTrue();
        assertThat(kernel.layer.attach(store, 0)).isFalse();
        assertThat(swap.total()).isEqualTo(600);
    }

    @Test
    void anEmptyStoreLeavesWithoutATrace() {
        MemoryStore store = new MemoryStore(600);
        kernel.layer.attach(store, 0);
        kernel.layer.detach(store);
        assertThat(kernel.layer.pagers().status()).isEmpty();
        assertThat(store.retired()).as("it may come back").isFalse();
        kernel.layer.attach(store, 0);
        kernel.layer.detach(store);
        kernel.layer.detach(store);
    }

    @Test
    void aParkedStoreServesErrorsAndComesBackWithEverything() throws IOException {
        Path file = directory.resolve("swap");
        FileStore store = FileStore.open("file", file, 600, false, true);
        kernel.layer.attach(store, 0);
        TestObject object = swapped(6);
        kernel.layer.detach(store);
        store.close();
        assertThat(state(store)).isEqualTo("parked");
        assertThat(swap.present()).isFalse();
        assertThat(swap.total()).isZero();
        assertThat(kernel.get(object, 2)).isEqualTo(PagerResult.ERROR);
        kernel.check();

        // Meanwhile entries go, and move.
        object.lock().lock();
        swap.freeSpace(object, 0, 1);
        object.lock().unlock();
        TestObject half = kernel.object(ObjectType.DEFAULT, 3);
        object.lock().lock();
        half.lock().lock();
        swap.copy(object, half, 3, false);
        half.lock().unlock();
        object.lock().unlock();
        kernel.check();

        FileStore again = FileStore.open("file", file, 600, false, true);
        assertThat(kernel.layer.attach(again, 0)).isTrue();
        assertThat(state(again)).isEqualTo("active");
        assertThat(again.available()).isEqualTo(600 - 2 - 5);
        kernel.check();
        for (long p = 1; p < 3; p++) {
            assertThat(kernel.read(object, p)).isEqualTo(70 + p);
            assertThat(kernel.read(half, p)).isEqualTo(73 + p);
        }
        object.deallocate();
        half.deallocate();
        assertThat(swap.available()).isEqualTo(598);
    }

    @Test
    void aStoreThatComesBackDamagedIsRefused() throws IOException {
        Path file = directory.resolve("swap");
        FileStore store = FileStore.open("file", file, 600, false, true);
        kernel.layer.attach(store, 0);
        TestObject object = swapped(6);
        kernel.layer.detach(store);
        store.close();
        long damaged = 4 * 4096 + 4000;
        flip(file, damaged);
        FileStore again = FileStore.open("file", file, 600, false, true);
        assertThat(kernel.layer.attach(again, 0)).isFalse();
        assertThat(state(again)).isEqualTo("parked");
        assertThat(kernel.get(object, 0)).as("not a page of it is used").isEqualTo(PagerResult.ERROR);
        kernel.check();
        flip(file, damaged);
        assertThat(kernel.layer.attach(again, 0)).isTrue();
        IntStream.range(0, 6).forEach(p -> assertThat(kernel.read(object, p)).isEqualTo(70 + p));
        object.deallocate();
        assertThat(swap.available()).isEqualTo(598);
    }

    private static void flip(Path file, long at) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(at);
            int old = bytes.read();
            bytes.seek(at);
            bytes.write(old ^ 1);
        }
    }

    @Test
    void aParkedStoreThatNobodyNeedsIsForgotten() {
        MemoryStore store = new MemoryStore(600);
        kernel.layer.attach(store, 0);
        TestObject object = swapped(3);
        kernel.layer.detach(store);
        assertThat(state(store)).isEqualTo("parked");
        object.deallocate();
        assertThat(state(store)).isEqualTo("gone");
    }

    @Test
    void aStoreOfTheSameNameButAnotherIdentityIsNotTheOneThatLeft() throws IOException {
        MemoryStore store = new MemoryStore(600);
        kernel.layer.attach(store, 0);
        TestObject object = swapped(3);
        kernel.layer.detach(store);
        MemoryStore other = new MemoryStore(600);
        assertThat(kernel.layer.attach(other, 0)).as("taken as a new one").isTrue();
        assertThat(other.available()).isEqualTo(600);
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.ERROR);
        object.deallocate();
    }

    /** Passes everything on. */
    private abstract static class Wrapper implements BackingStore {
        final MemoryStore inner = new MemoryStore(600);

        @Override
        public String name() {
            return "rogue";
        }

        @Override
        public String identity() {
            return inner.identity();
        }

        @Override
        public long capacity() {
            return inner.capacity();
        }

        @Override
        public long available() {
            return inner.available();
        }

        @Override
        public long allocate(int count) {
            return inner.allocate(count);
        }

        @Override
        public void free(long slot, int count) {
            inner.free(slot, count);
        }

        @Override
        public void reattach(SlotSet used) throws IOException {
            inner.reattach(used);
        }

        @Override
        public void read(long slot, java.nio.ByteBuffer to) throws IOException {
            inner.read(slot, to);
        }

        @Override
        public void write(long slot, java.nio.ByteBuffer from) throws IOException {
            inner.write(slot, from);
        }
    }

    @Test
    void aStoreThatThrowsIsAnIoErrorAndNothingWorse() {
        boolean[] angry = {true};
        BackingStore store = new Wrapper() {
            @Override
            public void write(long slot, java.nio.ByteBuffer from) throws IOException {
                if (angry[0]) {
                    throw new IllegalStateException("not today");
                }
                super.write(slot, from);
            }

            @Override
            public void read(long slot, java.nio.ByteBuffer to) throws IOException {
                if (angry[0]) {
                    throw new NoClassDefFoundError("gone");
                }
                super.read(slot, to);
            }
        };
        kernel.layer.attach(store, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 70);
        kernel.flushAll(object, 0, 1);
        object.lock().lock();
        assertThat(object.pages().lookup(0).dirty()).isNotZero();
        object.lock().unlock();
        angry[0] = false;
        kernel.flushAll(object, 0, 1);
        kernel.evict(object, 0);
        angry[0] = true;
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.ERROR);
        angry[0] = false;
        assertThat(kernel.read(object, 0)).isEqualTo(70);
        object.deallocate();
    }

    @Test
    void aShortTransferIsAnError() {
        BackingStore store = new Wrapper() {
            @Override
            public void read(long slot, java.nio.ByteBuffer to) {
                to.position(to.position() + 100);
            }
        };
        kernel.layer.attach(store, 0);
        TestObject object = swapped(1);
        assertThat(kernel.get(object, 0)).isEqualTo(PagerResult.ERROR);
        object.deallocate();
    }

    @Test
    void aStoreThatAllocatesNonsenseGetsNoMorePages() {
        BackingStore store = new Wrapper() {
            @Override
            public long allocate(int count) {
                return 601L - count;
            }
        };
        kernel.layer.attach(store, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 70);
        assertThat(kernel.flush(object, 0, 1, 0)).containsOnly(PagerResult.FAIL);
        assertThat(state(store)).isEqualTo("closing");
        assertThat(swap.present()).isFalse();
        object.deallocate();
    }
}
