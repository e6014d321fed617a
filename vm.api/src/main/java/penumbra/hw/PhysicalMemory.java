// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.nio.ByteBuffer;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The machine's RAM: page frames outside the Java heap, in segments with holes between them.
 *
 * <p>No method locks or blocks: whoever touches a frame keeps it from being reused (busy, wired or held, or a live
 * translation). Values are little-endian. Offsets are bytes inside the frame, 0 to 4095; an access never crosses the
 * frame's end. A frame number outside every segment panics. Aligned {@code long} accesses are not torn; everything else
 * may be, as on real hardware.
 */
@ProviderType
public interface PhysicalMemory {
    /** The segments in ascending order. */
    List<MemorySegment> segments();

    /** The value of the {@code size} (1 to 8) bytes at {@code offset}, zero-extended. */
    long load(int frame, int offset, int size);

    /** Stores the low {@code size} (1 to 8) bytes of {@code value}. */
    void store(int frame, int offset, int size, long value);

    /** The aligned 8 bytes at {@code offset}, read with volatile semantics: an MMU's view of its tables. */
    long loadVolatile(int frame, int offset);

    /** Sets the aligned 8 bytes at {@code offset} with volatile semantics. */
    void storeVolatile(int frame, int offset, long value);

    /** Replaces the aligned 8 bytes at {@code offset} if they are {@code expected}, with volatile semantics. */
    boolean compareAndSet(int frame, int offset, long expected, long value);

    /** Clears {@code length} bytes from {@code offset}. */
    void zero(int frame, int offset, int length);

    /** Copies a whole frame. */
    void copy(int fromFrame, int toFrame);

    /** Copies {@code length} bytes of the frame to the array. */
    void read(int frame, int offset, byte[] to, int toOffset, int length);

    /** Copies {@code length} bytes of the array to the frame. */
    void write(int frame, int offset, byte[] from, int fromOffset, int length);

    /** Copies {@code length} bytes of the frame to {@code to} at {@code toOffset}, leaving its position alone. */
    void read(int frame, int offset, ByteBuffer to, int toOffset, int length);

    /** Copies {@code length} bytes of {@code from} at {@code fromOffset} to the frame, leaving its position alone. */
    void write(int frame, int offset, ByteBuffer from, int fromOffset, int length);
}
