// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** A small {@link PhysicalMemory} in an array, for tests of what is built on memory. */
public final class HeapMemory implements PhysicalMemory {
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment general;
    private final MemorySegment tables;
    private final MemorySegment device;
    private final ByteBuffer bytes;

    /**
     * {@code pages} frames for pages from number 16 on, {@code tableFrames} for tables behind a hole of 16, and behind
     * another one 16 frames on a device.
     */
    public HeapMemory(int pages, int tableFrames) {
        general = new MemorySegment(SegmentUse.GENERAL, 16, pages);
        tables = new MemorySegment(SegmentUse.TABLES, 32 + pages, tableFrames);
        device = new MemorySegment(SegmentUse.DEVICE, tables.endFrame() + 16, 16);
        bytes = ByteBuffer.allocateDirect(device.endFrame() * PageSize.BYTES + PageSize.BYTES)
                .alignedSlice(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public List<MemorySegment> segments() {
        return List.of(general, tables, device);
    }

    private static boolean isIn(MemorySegment segment, int frame) {
        return frame >= segment.firstFrame() && frame < segment.endFrame();
    }

    private int at(int frame, int offset, int length) {
        boolean inside = isIn(general, frame) || isIn(tables, frame) || isIn(device, frame);
        if (!inside || offset < 0 || length < 0 || offset + length > PageSize.BYTES) {
            throw new IndexOutOfBoundsException("frame " + frame + " offset " + offset + " length " + length);
        }
        return frame * PageSize.BYTES + offset;
    }

    @Override
    public long load(int frame, int offset, int size) {
        long value = 0;
        int at = at(frame, offset, size);
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | bytes.get(at + i) & 0xFF;
        }
        return value;
    }

    @Override
    public void store(int frame, int offset, int size, long value) {
        int at = at(frame, offset, size);
        for (int i = 0; i < size; i++) {
            bytes.put(at + i, (byte) (value >>> 8 * i));
        }
    }

    @Override
    public long loadVolatile(int frame, int offset) {
        return (long) LONGS.getVolatile(bytes, at(frame, offset, Long.BYTES));
    }

    @Override
    public void storeVolatile(int frame, int offset, long value) {
        LONGS.setVolatile(bytes, at(frame, offset, Long.BYTES), value);
    }

    @Override
    public boolean compareAndSet(int frame, int offset, long expected, long value) {
        return LONGS.compareAndSet(bytes, at(frame, offset, Long.BYTES), expected, value);
    }

    @Override
    public void zero(int frame, int offset, int length) {
        write(frame, offset, new byte[length], 0, length);
    }

    @Override
    public void copy(int fromFrame, int toFrame) {
        bytes.put(at(toFrame, 0, PageSize.BYTES), bytes, at(fromFrame, 0, PageSize.BYTES), PageSize.BYTES);
    }

    @Override
    public void read(int frame, int offset, byte[] to, int toOffset, int length) {
        bytes.get(at(frame, offset, length), to, toOffset, length);
    }

    @Override
    public void write(int frame, int offset, byte[] from, int fromOffset, int length) {
        bytes.put(at(frame, offset, length), from, fromOffset, length);
    }

    @Override
    public void read(int frame, int offset, ByteBuffer to, int toOffset, int length) {
        to.put(toOffset, bytes, at(frame, offset, length), length);
    }

    @Override
    public void write(int frame, int offset, ByteBuffer from, int fromOffset, int length) {
        bytes.put(at(frame, offset, length), from, fromOffset, length);
    }
}
