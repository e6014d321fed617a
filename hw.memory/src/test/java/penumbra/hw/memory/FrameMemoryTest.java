// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.kern.KernelPanic;

class FrameMemoryTest {
    private static final int FRAMES = 40;

    private final FrameMemory memory = new FrameMemory(new MemoryLayout(FRAMES * 4096L, 3 * 4096L, 2 * 4096L));
    private final int first = memory.segments().get(0).firstFrame();

    @AfterEach
    void giveBack() {
        memory.close();
    }

    @Test
    void everySegmentCanBeUsedFromEndToEnd() {
        for (MemorySegment segment : memory.segments()) {
            memory.store(segment.firstFrame(), 0, 8, 1);
            memory.store(segment.endFrame() - 1, 4088, 8, 2);
            assertThat(memory.load(segment.firstFrame(), 0, 8)).isEqualTo(1);
            assertThat(memory.load(segment.endFrame() - 1, 4088, 8)).isEqualTo(2);
        }
    }

    @Test
    void frameNumbersOutsideEverySegmentPanic() {
        for (MemorySegment segment : memory.segments()) {
            refused(segment.firstFrame() - 1);
            refused(segment.endFrame());
        }
        refused(0);
        refused(-1);
        refused(Integer.MIN_VALUE);
        refused(Integer.MAX_VALUE);
    }

    private void refused(int frame) {
        byte[] bytes = new byte[8];
        panics(() -> memory.load(frame, 0, 8));
        panics(() -> memory.load(frame, 0, 1));
        panics(() -> memory.store(frame, 0, 8, 1));
        panics(() -> memory.store(frame, 0, 1, 1));
        panics(() -> memory.loadVolatile(frame, 0));
        panics(() -> memory.storeVolatile(frame, 0, 1));
        panics(() -> memory.compareAndSet(frame, 0, 0, 1));
        panics(() -> memory.zero(frame, 0, 8));
        panics(() -> memory.copy(frame, first));
        panics(() -> memory.copy(first, frame));
        panics(() -> memory.read(frame, 0, bytes, 0, 8));
        panics(() -> memory.write(frame, 0, bytes, 0, 8));
    }

    @Test
    void accessesEndWithTheFrame() {
        panics(() -> memory.load(first, 4089, 8));
        panics(() -> memory.load(first, 4096, 1));
        panics(() -> memory.load(first, -1, 1));
        panics(() -> memory.store(first, 4093, 4, 1));
        panics(() -> memory.store(first, 4095, 2, 1));
        panics(() -> memory.load(first, 4094, 3));
        panics(() -> memory.store(first, 4090, 7, 1));
        panics(() -> memory.load(first, 0, 0));
        panics(() -> memory.load(first, 0, 9));
        panics(() -> memory.store(first, 0, 0, 0));
        panics(() -> memory.store(first, 0, 16, 0));
        panics(() -> memory.zero(first, 1, 4096));
        panics(() -> memory.read(first, 4000, new byte[100], 0, 100));
        panics(() -> memory.write(first, 4000, ByteBuffer.allocate(100), 0, 100));
    }

    private static void panics(org.assertj.core.api.ThrowableAssert.ThrowingCallable access) {
        assertThatThrownBy(access).isInstanceOf(KernelPanic.class).hasMessageStartingWith("memory: ");
    }

    @Test
    void valuesAreLittleEndianAndZeroExtended() {
        memory.store(first, 3, 8, 0x8877_6655_4433_22F1L);
        assertThat(memory.load(first, 3, 8)).isEqualTo(0x8877_6655_4433_22F1L);
        assertThat(memory.load(first, 3, 1)).isEqualTo(0xF1);
        assertThat(memory.load(first, 3, 2)).isEqualTo(0x22F1);
        assertThat(memory.load(first, 7, 4)).isEqualTo(0x8877_6655L);
        assertThat(memory.load(first, 9, 2)).isEqualTo(0x8877L);
        memory.store(first, 4, 1, -1);
        assertThat(memory.load(first, 3, 4)).isEqualTo(0x4433_FFF1L);
    }

    @Test
    void compareAndSetSucceedsOnceAmongManyThreads() throws InterruptedException {
        int threads = 4;
        int each = 20_000;
        CountDownLatch go = new CountDownLatch(1);
        Thread[] adders = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            adders[i] = new Thread(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    return;
                }
                for (int n = 0; n < each; n++) {
                    long old = memory.loadVolatile(first, 8);
                    while (!memory.compareAndSet(first, 8, old, old + 1)) {
                        old = memory.loadVolatile(first, 8);
                    }
                }
            });
            adders[i].start();
        }
        go.countDown();
        for (Thread adder : adders) {
            adder.join();
        }
        assertThat(memory.load(first, 8, 8)).isEqualTo((long) threads * each);
        memory.storeVolatile(first, 8, 7);
        assertThat(memory.compareAndSet(first, 8, 6, 8)).isFalse();
        assertThat(memory.loadVolatile(first, 8)).isEqualTo(7);
    }

    @Test
    void buffersKeepTheirPositions() {
        ByteBuffer from = ByteBuffer.allocateDirect(100).position(50);
        from.put(10, (byte) 5);
        memory.write(first, 200, from, 10, 20);
        assertThat(memory.load(first, 200, 1)).isEqualTo(5);
        assertThat(from.position()).isEqualTo(50);
        ByteBuffer to = ByteBuffer.allocate(100).position(30);
        memory.read(first, 200, to, 70, 20);
        assertThat(to.get(70)).isEqualTo((byte) 5);
        assertThat(to.position()).isEqualTo(30);
    }

    /** Every way to touch frames, in random order, against an array. */
    @Test
    void behavesLikeAnArray() {
        long seed = System.nanoTime();
        System.out.println("FrameMemoryTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        byte[] model = new byte[FRAMES * PageSize.BYTES];
        byte[] scratch = new byte[2 * PageSize.BYTES];
        for (int step = 0; step < 20_000; step++) {
            int index = random.nextInt(FRAMES);
            int frame = first + index;
            int offset = random.nextInt(PageSize.BYTES);
            int length = random.nextInt(PageSize.BYTES - offset + 1);
            int at = index * PageSize.BYTES + offset;
            int place = random.nextInt(PageSize.BYTES);
            random.nextBytes(scratch);
            switch (random.nextInt(6)) {
                case 0 -> {
                    memory.zero(frame, offset, length);
                    Arrays.fill(model, at, at + length, (byte) 0);
                }
                case 1 -> {
                    int other = random.nextInt(FRAMES);
                    memory.copy(frame, first + other);
                    System.arraycopy(model, index * PageSize.BYTES, model, other * PageSize.BYTES, PageSize.BYTES);
                }
                case 2 -> {
                    memory.write(frame, offset, scratch, place, length);
                    System.arraycopy(scratch, place, model, at, length);
                }
                case 3 -> {
                    memory.write(frame, offset, ByteBuffer.wrap(scratch), place, length);
                    System.arraycopy(scratch, place, model, at, length);
                }
                case 4 -> {
                    int size = 1 + random.nextInt(8);
                    int start = Math.min(offset, PageSize.BYTES - size);
                    long value = random.nextLong();
                    memory.store(frame, start, size, value);
                    for (int i = 0; i < size; i++) {
                        model[index * PageSize.BYTES + start + i] = (byte) (value >>> 8 * i);
                    }
                    long kept = size == Long.BYTES ? value : value & (1L << 8 * size) - 1;
                    assertThat(memory.load(frame, start, size))
                            .as("seed %d step %d", seed, step)
                            .isEqualTo(kept);
                }
                default -> {
                    memory.read(frame, offset, scratch, place, length);
                    assertThat(Arrays.copyOfRange(scratch, place, place + length))
                            .as("seed %d step %d", seed, step)
                            .isEqualTo(Arrays.copyOfRange(model, at, at + length));
                }
            }
        }
        byte[] all = new byte[model.length];
        for (int index = 0; index < FRAMES; index++) {
            memory.read(first + index, 0, all, index * PageSize.BYTES, PageSize.BYTES);
        }
        assertThat(all).as("seed %d", seed).isEqualTo(model);
    }

    @Test
    void aClosedMemoryIsGone() {
        memory.store(first, 0, 8, 1);
        memory.close();
        refused(first);
        memory.close();
    }

    /** More machines, one after the other, than the JVM could hold at a time; each starts with zeroes. */
    @Test
    void machinesMayBootAgainAndAgain() {
        for (int boot = 0; boot < 300; boot++) {
            try (FrameMemory next = new FrameMemory(MemoryLayout.ofFrames(9911))) {
                int frame = next.segments().get(0).firstFrame() + boot * 33;
                assertThat(next.load(frame, 0, 8)).isZero();
                next.store(frame, 0, 8, -1);
                next.store(frame + 33, 0, 8, -1);
            }
        }
    }
}
