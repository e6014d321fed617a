// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;

/**
 * The machine's segment for compressed memory as one run of bytes, addressed from 0. It belongs to the memory, so what
 * is written here survives whoever wrote it. No access may cross the end of a frame.
 */
final class Region {
    private final PhysicalMemory memory;
    private final MemorySegment segment;

    /**
     * The compressed segment of {@code memory}.
     *
     * @throws IOException when it has none
     */
    Region(PhysicalMemory memory) throws IOException {
        this.memory = memory;
        this.segment = memory.segments().stream()
                .filter(each -> each.use() == SegmentUse.COMPRESSED)
                .findFirst()
                .orElseThrow(() -> new IOException(
                        "the machine has no compressed memory: set compressed.bytes of penumbra.hw.memory and boot"));
    }

    /** How many bytes there are: a multiple of the page size. */
    long bytes() {
        return PageSize.bytes(segment.frames());
    }

    /** The 8 bytes at {@code at}, which is a multiple of 8. */
    long load(long at) {
        return memory.load(frame(at), offset(at), Long.BYTES);
    }

    /** Sets the 8 bytes at {@code at}, which is a multiple of 8. */
    void store(long at, long value) {
        memory.store(frame(at), offset(at), Long.BYTES, value);
    }

    /** The 4 bytes at {@code at}, which is a multiple of 4. */
    int loadInt(long at) {
        return (int) memory.load(frame(at), offset(at), Integer.BYTES);
    }

    /** Sets the 4 bytes at {@code at}, which is a multiple of 4. */
    void storeInt(long at, int value) {
        memory.store(frame(at), offset(at), Integer.BYTES, value);
    }

    /** Copies {@code length} bytes from {@code at} to {@code to} at {@code toOffset}. */
    void read(long at, ByteBuffer to, int toOffset, int length) {
        memory.read(frame(at), offset(at), to, toOffset, length);
    }

    /** Copies {@code length} bytes of {@code from} at {@code fromOffset} to {@code at}. */
    void write(long at, ByteBuffer from, int fromOffset, int length) {
        memory.write(frame(at), offset(at), from, fromOffset, length);
    }

    private int frame(long at) {
        return segment.firstFrame() + (int) PageSize.index(at);
    }

    private static int offset(long at) {
        return (int) at & PageSize.MASK;
    }
}
