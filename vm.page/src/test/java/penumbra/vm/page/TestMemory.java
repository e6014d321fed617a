// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelPanic;

/** Memory for tests in one buffer, with general segments wherever a test wants them. */
final class TestMemory implements PhysicalMemory {
    private final List<MemorySegment> segments;
    private final ByteBuffer bytes;

    TestMemory(MemorySegment... segments) {
        this.segments = List.of(segments);
        int frames = Arrays.stream(segments).mapToInt(MemorySegment::frames).sum();
        this.bytes = ByteBuffer.allocateDirect(frames << PageSize.SHIFT).order(ByteOrder.LITTLE_ENDIAN);
    }

    static MemorySegment general(int firstFrame, int frames) {
        return new MemorySegment(SegmentUse.GENERAL, firstFrame, frames);
    }

    private int at(int frame, int offset) {
        int start = 0;
        for (MemorySegment segment : segments) {
            if (frame >= segment.firstFrame() && frame < segment.endFrame()) {
                return (start + frame - segment.firstFrame() << PageSize.SHIFT) + offset;
            }
            start += segment.frames();
        }
        throw new KernelPanic("no frame %d", frame);
    }

    @Override
    public List<MemorySegment> segments() {
        return segments;
    }

    @Override
    public long load(int frame, int offset, int size) {
        byte[] value = new byte[Long.BYTES];
        read(frame, offset, value, 0, size);
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    @Override
    public void store(int frame, int offset, int size, long value) {
        byte[] all = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        write(frame, offset, all, 0, size);
    }

    @Override
    public synchronized long loadVolatile(int frame, int offset) {
        return bytes.getLong(at(frame, offset));
    }

    @Override
    public synchronized void storeVolatile(int frame, int offset, long value) {
        bytes.putLong(at(frame, offset), value);
    }

    @Override
    public synchronized boolean compareAndSet(int frame, int offset, long expected, long value) {
        boolean same = bytes.getLong(at(frame, offset)) == expected;
        if (same) {
            bytes.putLong(at(frame, offset), value);
        }
        return same;
    }

    @Override
    public void zero(int frame, int offset, int length) {
        write(frame, offset, new byte[length], 0, length);
    }

    @Override
    public void copy(int fromFrame, int toFrame) {
        bytes.put(at(toFrame, 0), bytes, at(fromFrame, 0), PageSize.BYTES);
    }

    @Override
    public void read(int frame, int offset, byte[] to, int toOffset, int length) {
        bytes.get(at(frame, offset), to, toOffset, length);
    }

    @Override
    public void write(int frame, int offset, byte[] from, int fromOffset, int length) {
        bytes.put(at(frame, offset), from, fromOffset, length);
    }

    @Override
    public void read(int frame, int offset, ByteBuffer to, int toOffset, int length) {
        to.put(toOffset, bytes, at(frame, offset), length);
    }

    @Override
    public void write(int frame, int offset, ByteBuffer from, int fromOffset, int length) {
        bytes.put(at(frame, offset), from, fromOffset, length);
    }
}
