// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the ways to keep page frames cost: 8-byte loads and stores at random offsets, and clearing and copying 4 KiB.
 *
 * <p>The figures decide how {@code hw.memory} is built; each is the time of one access.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class FrameAccessBenchmark {
    private static final int FRAME = 4096;
    private static final int ACCESSES = 1024;
    private static final VarHandle VIEW = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle ARRAY = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Bytes of memory: one that fits the second level cache and one that does not. */
    @Param({"1048576", "268435456"})
    private int bytes;

    private ByteBuffer direct;
    private ByteBuffer[] chunks;
    private MappedByteBuffer mapped;
    private byte[] heap;
    private byte[] zeroes;
    private ByteBuffer zeroFrame;
    private int[] offsets;
    private int[] frames;

    /** Makes the memories and the random offsets; prints the seed. */
    @Setup
    public void setUp() throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        offsets = random.ints(ACCESSES, 0, bytes / Long.BYTES)
                .map(word -> word * Long.BYTES)
                .toArray();
        frames = random.ints(ACCESSES, 0, bytes / FRAME).toArray();
        direct = ByteBuffer.allocateDirect(bytes + FRAME).alignedSlice(FRAME).order(ByteOrder.LITTLE_ENDIAN);
        chunks = new ByteBuffer[] {null, direct};
        heap = new byte[bytes];
        zeroes = new byte[FRAME];
        zeroFrame = ByteBuffer.allocateDirect(FRAME);
        Path file = Files.createTempFile("frames", null);
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
            mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
            mapped.order(ByteOrder.LITTLE_ENDIAN);
        }
        for (int at = 0; at < bytes; at += FRAME) {
            mapped.put(at, (byte) 1);
            direct.put(at, (byte) 1);
            heap[at] = 1;
        }
    }

    /** A load through the buffer's own accessor. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadDirect() {
        long sum = 0;
        for (int offset : offsets) {
            sum += direct.getLong(offset);
        }
        return sum;
    }

    /** A load through a view of the buffer. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadView() {
        long sum = 0;
        for (int offset : offsets) {
            sum += (long) VIEW.get(direct, offset);
        }
        return sum;
    }

    /** A load through a view of one of several buffers, chosen by the upper bits. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadChunkedView() {
        long sum = 0;
        for (int offset : offsets) {
            long address = (1L << 30) + offset;
            sum += (long) VIEW.get(chunks[(int) (address >>> 30)], (int) address & (1 << 30) - 1);
        }
        return sum;
    }

    /** A volatile load through a view. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadViewVolatile() {
        long sum = 0;
        for (int offset : offsets) {
            sum += (long) VIEW.getVolatile(direct, offset);
        }
        return sum;
    }

    /** A load from a mapped file. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadMapped() {
        long sum = 0;
        for (int offset : offsets) {
            sum += mapped.getLong(offset);
        }
        return sum;
    }

    /** A load from an array on the heap. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long loadHeap() {
        long sum = 0;
        for (int offset : offsets) {
            sum += (long) ARRAY.get(heap, offset);
        }
        return sum;
    }

    /** A store through the buffer's own accessor. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void storeDirect() {
        for (int offset : offsets) {
            direct.putLong(offset, offset);
        }
    }

    /** A store through a view of the buffer. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void storeView() {
        for (int offset : offsets) {
            VIEW.set(direct, offset, (long) offset);
        }
    }

    /** A store through a view of one of several buffers. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void storeChunkedView() {
        for (int offset : offsets) {
            long address = (1L << 30) + offset;
            VIEW.set(chunks[(int) (address >>> 30)], (int) address & (1 << 30) - 1, address);
        }
    }

    /** A store to a mapped file. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void storeMapped() {
        for (int offset : offsets) {
            mapped.putLong(offset, offset);
        }
    }

    /** A store to an array on the heap. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void storeHeap() {
        for (int offset : offsets) {
            ARRAY.set(heap, offset, (long) offset);
        }
    }

    /** A compare-and-set through a view. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public int compareAndSetView() {
        int won = 0;
        for (int offset : offsets) {
            won += VIEW.compareAndSet(direct, offset, 0L, 0L) ? 1 : 0;
        }
        return won;
    }

    /** Clearing a frame with a bulk put of an array. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void zeroFromArray() {
        for (int frame : frames) {
            direct.put(frame * FRAME, zeroes, 0, FRAME);
        }
    }

    /** Clearing a frame with a bulk put of a frame of zeroes outside the heap. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void zeroFromBuffer() {
        for (int frame : frames) {
            direct.put(frame * FRAME, zeroFrame, 0, FRAME);
        }
    }

    /** Clearing a frame word by word. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void zeroByWords() {
        for (int frame : frames) {
            int end = (frame + 1) * FRAME;
            for (int at = frame * FRAME; at < end; at += Long.BYTES) {
                VIEW.set(direct, at, 0L);
            }
        }
    }

    /** Clearing 4 KiB of a mapped file. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void zeroMapped() {
        for (int frame : frames) {
            mapped.put(frame * FRAME, zeroes, 0, FRAME);
        }
    }

    /** Clearing 4 KiB of an array. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void zeroHeap() {
        for (int frame : frames) {
            Arrays.fill(heap, frame * FRAME, (frame + 1) * FRAME, (byte) 0);
        }
    }

    /** Copying a frame inside the direct memory. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void copyDirect() {
        for (int i = 0; i < ACCESSES; i++) {
            direct.put(frames[i] * FRAME, direct, frames[ACCESSES - 1 - i] * FRAME, FRAME);
        }
    }

    /** Copying 4 KiB inside a mapped file. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void copyMapped() {
        for (int i = 0; i < ACCESSES; i++) {
            mapped.put(frames[i] * FRAME, mapped, frames[ACCESSES - 1 - i] * FRAME, FRAME);
        }
    }

    /** Copying 4 KiB inside an array. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void copyHeap() {
        for (int i = 0; i < ACCESSES; i++) {
            System.arraycopy(heap, frames[i] * FRAME, heap, frames[ACCESSES - 1 - i] * FRAME, FRAME);
        }
    }
}
