// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What every {@link FileNode} must do: extend it and say how a file of yours is opened. */
public abstract class FileNodeContract {
    /** More than one block of any size, and no multiple of one. */
    private static final int ODD_SIZE = 3 * 65_536 + 1_234;

    /** Opens a new file of yours with these contents, for reading and writing. */
    protected abstract FileNode open(byte[] contents) throws IOException;

    @Test
    void hasANameAndABlockSize() throws IOException {
        FileNode node = open(random(10));
        assertThat(node.name()).isNotBlank().doesNotContain("\n");
        assertThat(node.blockSize()).isBetween(512, 65_536);
        assertThat(Integer.bitCount(node.blockSize())).isEqualTo(1);
        node.close();
    }

    @Test
    void readsWhatIsThere() throws IOException {
        byte[] contents = random(ODD_SIZE);
        FileNode node = open(contents);
        assertThat(node.size()).isEqualTo(ODD_SIZE);
        assertThat(read(node, 0, ODD_SIZE)).isEqualTo(contents);
        assertThat(read(node, 12_345, 6_789)).isEqualTo(Arrays.copyOfRange(contents, 12_345, 12_345 + 6_789));
        node.close();
    }

    @Test
    void readsShortAtTheEndOnly() throws IOException {
        byte[] contents = random(ODD_SIZE);
        FileNode node = open(contents);
        assertThat(read(node, ODD_SIZE - 100, 4_096)).isEqualTo(Arrays.copyOfRange(contents, ODD_SIZE - 100, ODD_SIZE));
        assertThat(read(node, ODD_SIZE, 512)).isEmpty();
        assertThat(read(node, ODD_SIZE + 1_000_000L, 512)).isEmpty();
        node.close();
    }

    @Test
    void fillsTheRoomInTheBufferAndMovesItsPosition() throws IOException {
        byte[] contents = random(1_000);
        FileNode node = open(contents);
        ByteBuffer buffer = ByteBuffer.allocateDirect(100);
        buffer.position(10).limit(60);
        assertThat(node.read(500, buffer)).isEqualTo(50);
        assertThat(buffer.position()).isEqualTo(60);
        buffer.clear();
        for (int i = 0; i < 100; i++) {
            assertThat(buffer.get(i)).isEqualTo(i >= 10 && i < 60 ? contents[490 + i] : 0);
        }
        node.close();
    }

    @Test
    void writesInside() throws IOException {
        byte[] expected = random(ODD_SIZE);
        FileNode node = open(expected.clone());
        byte[] change = random(70_000);
        ByteBuffer from = ByteBuffer.allocateDirect(80_000);
        from.put(5_000, change).position(5_000).limit(75_000);
        assertThat(node.write(40_001, from)).isEqualTo(70_000);
        assertThat(from.position()).isEqualTo(75_000);
        System.arraycopy(change, 0, expected, 40_001, 70_000);
        assertThat(node.size()).isEqualTo(ODD_SIZE);
        assertThat(read(node, 0, ODD_SIZE)).isEqualTo(expected);
        node.fsync();
        node.close();
    }

    @Test
    void writesPastTheEndLeavingZeroesBetween() throws IOException {
        FileNode node = open(random(100));
        byte[] tail = random(300);
        assertThat(node.write(10_000, ByteBuffer.wrap(tail))).isEqualTo(300);
        assertThat(node.size()).isEqualTo(10_300);
        assertThat(read(node, 100, 9_900)).isEqualTo(new byte[9_900]);
        assertThat(read(node, 10_000, 1_000)).isEqualTo(tail);
        node.close();
    }

    @Test
    void cutsAndExtends() throws IOException {
        byte[] contents = random(20_000);
        FileNode node = open(contents.clone());
        node.truncate(5_001);
        assertThat(node.size()).isEqualTo(5_001);
        assertThat(read(node, 0, 20_000)).isEqualTo(Arrays.copyOf(contents, 5_001));
        node.truncate(15_000);
        assertThat(node.size()).isEqualTo(15_000);
        assertThat(read(node, 0, 20_000)).isEqualTo(Arrays.copyOf(Arrays.copyOf(contents, 5_001), 15_000));
        node.truncate(0);
        assertThat(node.size()).isZero();
        assertThat(read(node, 0, 10)).isEmpty();
        node.close();
    }

    @Test
    void knowsWhereWrittenBlocksAre() throws IOException {
        FileNode node = open(random(ODD_SIZE));
        for (long block = 0; block * node.blockSize() < ODD_SIZE; block++) {
            assertThat(node.map(block)).as("block %d", block).isNotNegative();
            int run = node.run(block, 7);
            assertThat(run).isBetween(1, 7);
            for (int i = 1; i < run; i++) {
                assertThat(node.map(block + i)).isEqualTo(node.map(block) + i);
            }
        }
        node.close();
    }

    @Test
    void anInterruptHurtsNobody() throws Exception {
        byte[] contents = random(ODD_SIZE);
        FileNode node = open(contents);
        Thread.currentThread().interrupt();
        assertThat(read(node, 0, ODD_SIZE)).isEqualTo(contents);
        assertThat(Thread.interrupted()).as("interrupted still").isTrue();

        Thread.currentThread().interrupt();
        assertThat(node.write(0, ByteBuffer.wrap(contents, 0, 1_000))).isEqualTo(1_000);
        assertThat(Thread.interrupted()).as("interrupted still").isTrue();

        CountDownLatch started = new CountDownLatch(1);
        AtomicReference<Throwable> trouble = new AtomicReference<>();
        Thread reader = new Thread(() -> {
            try {
                started.countDown();
                for (int i = 0; i < 200; i++) {
                    assertThat(read(node, 0, ODD_SIZE)).isEqualTo(contents);
                }
            } catch (IOException | AssertionError e) {
                trouble.set(e);
            }
        });
        reader.start();
        started.await();
        while (reader.isAlive()) {
            reader.interrupt();
            assertThat(read(node, 1_000, 5_000)).isEqualTo(Arrays.copyOfRange(contents, 1_000, 6_000));
        }
        assertThat(trouble.get()).isNull();
        node.close();
    }

    @Test
    void transfersByManyThreadsDoNotMix() throws Exception {
        int threads = 4;
        int piece = 50_000;
        FileNode node = open(new byte[threads * piece]);
        byte[] expected = random(threads * piece);
        AtomicReference<Throwable> trouble = new AtomicReference<>();
        Thread[] running = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int offset = t * piece;
            running[t] = new Thread(() -> {
                try {
                    for (int i = 0; i < 50; i++) {
                        node.write(offset, ByteBuffer.wrap(expected, offset, piece));
                        assertThat(read(node, offset, piece))
                                .isEqualTo(Arrays.copyOfRange(expected, offset, offset + piece));
                    }
                } catch (IOException | AssertionError e) {
                    trouble.set(e);
                }
            });
            running[t].start();
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertThat(trouble.get()).isNull();
        assertThat(read(node, 0, threads * piece)).isEqualTo(expected);
        node.close();
    }

    @Test
    void failsWhenClosed() throws IOException {
        FileNode node = open(random(100));
        node.close();
        assertThatThrownBy(() -> read(node, 0, 10)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> node.write(0, ByteBuffer.wrap(new byte[10]))).isInstanceOf(IOException.class);
    }

    /** Up to {@code length} bytes at {@code offset}, in one call. */
    protected static byte[] read(FileNode node, long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        int got = node.read(offset, buffer);
        assertThat(buffer.position()).isEqualTo(got);
        return Arrays.copyOf(buffer.array(), got);
    }

    /** Bytes that differ from place to place and from 0; always the same. */
    protected static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }
}
