// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.kern.Apart;
import penumbra.kern.KernelPanic;

/**
 * The machine's RAM in direct buffers of up to 1 GiB, one for each GiB of the physical address space that is populated.
 *
 * <p>Physical memory is laid out as a PC's: nothing in the first GiB, general memory in the next two, the memory of
 * devices in the hole up to 4 GiB, and the rest of the general memory above; then, each from the next GiB boundary on,
 * the table segment and the compressed segment. Every segment starts at the start of a buffer, so the buffers' own
 * bounds keep accesses out of the holes. A machine starts with zeroes.
 */
@Component(service = PhysicalMemory.class, configurationPid = "penumbra.hw.memory")
@Designate(ocd = MemoryConfig.class)
public final class FrameMemory extends Apart implements PhysicalMemory, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FrameMemory.class);

    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    /** Frames in a GiB: the most that one buffer of a power of two bytes holds. */
    private static final int CHUNK_SHIFT = 30 - PageSize.SHIFT;

    private static final int CHUNK = 1 << CHUNK_SHIFT;
    /** The first GiB with RAM; number 0 is thus never a frame. */
    private static final int FIRST_CHUNK = 1;

    private static final int LOW_START = FIRST_CHUNK * CHUNK;
    /** The device hole of a PC: from 3 GiB to 4 GiB. */
    private static final int HOLE_START = 3 * CHUNK;

    private static final int HIGH_START = 4 * CHUNK;
    /** 2 MiB: a frame buffer of 640 by 480 pixels and what its neighbours transfer. */
    private static final int DEVICE_FRAMES = 512;

    private static final ByteBuffer HOLE = ByteBuffer.allocateDirect(0);
    private static final byte[] ZEROES = new byte[PageSize.BYTES];

    private final MemoryLayout layout;
    private final List<MemorySegment> segments;
    /** By number of the GiB; what is not populated is {@link #HOLE}. */
    private final ByteBuffer[] chunks;
    /** The first of those that are populated. */
    private ByteBuffer firstChunk;
    /** What to give back to the pool, whole. */
    private final List<ByteBuffer> taken = new ArrayList<>();

    /** Memory as configured. */
    @Activate
    public FrameMemory(MemoryConfig config) {
        this(layoutOf(config));
    }

    /** Memory of the sizes in {@code layout}. */
    public FrameMemory(MemoryLayout layout) {
        this.layout = layout;
        this.segments = segmentsOf(layout);
        int end = segments.get(segments.size() - 1).endFrame();
        this.chunks = new ByteBuffer[roundUp(end) >>> CHUNK_SHIFT];
        Arrays.fill(chunks, HOLE);
        for (MemorySegment segment : segments) {
            populate(segment);
        }
        this.firstChunk = chunks[FIRST_CHUNK];
    }

    private static MemoryLayout layoutOf(MemoryConfig config) {
        long tables = config.table_bytes() == 0 ? MemoryLayout.tablesFor(config.general_bytes()) : config.table_bytes();
        return new MemoryLayout(config.general_bytes(), tables, config.compressed_bytes());
    }

    static List<MemorySegment> segmentsOf(MemoryLayout layout) {
        List<MemorySegment> segments = new ArrayList<>();
        int general = (int) PageSize.index(layout.generalBytes());
        int low = Math.min(general, HOLE_START - LOW_START);
        segments.add(new MemorySegment(SegmentUse.GENERAL, LOW_START, low));
        segments.add(new MemorySegment(SegmentUse.DEVICE, HOLE_START, DEVICE_FRAMES));
        int next = HIGH_START;
        if (general > low) {
            segments.add(new MemorySegment(SegmentUse.GENERAL, HIGH_START, general - low));
            next = roundUp(HIGH_START + general - low);
        }
        int tables = (int) PageSize.index(layout.tableBytes());
        segments.add(new MemorySegment(SegmentUse.TABLES, next, tables));
        int compressed = (int) PageSize.index(layout.compressedBytes());
        if (compressed > 0) {
            segments.add(new MemorySegment(SegmentUse.COMPRESSED, roundUp(next + tables), compressed));
        }
        return List.copyOf(segments);
    }

    private static int roundUp(int frame) {
        return frame + CHUNK - 1 & -CHUNK;
    }

    private void populate(MemorySegment segment) {
        for (int first = segment.firstFrame(); first < segment.endFrame(); first += CHUNK) {
            int bytes = Math.min(CHUNK, segment.endFrame() - first) << PageSize.SHIFT;
            ByteBuffer buffer = BufferPool.SHARED.take(bytes);
            taken.add(buffer);
            chunks[first >>> CHUNK_SHIFT] = buffer.slice(0, bytes);
        }
    }

    /** Says that other sizes have to wait for the next boot. */
    @Modified
    public void modified(MemoryConfig config) {
        if (!layoutOf(config).equals(layout)) {
            LOG.warn("the machine has {}; {} takes effect when it boots again", layout, layoutOf(config));
        }
    }

    /** Gives the memory to the next machine; every later access panics. */
    @Override
    @Deactivate
    public void close() {
        Arrays.fill(chunks, HOLE);
        firstChunk = HOLE;
        taken.forEach(BufferPool.SHARED::give);
        taken.clear();
    }

    @Override
    public List<MemorySegment> segments() {
        return segments;
    }

    @Override
    public long load(int frame, int offset, int size) {
        try {
            ByteBuffer chunk = chunk(frame);
            int at = at(frame, offset, size);
            switch (size) {
                case Long.BYTES:
                    return (long) LONGS.get(chunk, at);
                case Integer.BYTES:
                    return (int) INTS.get(chunk, at) & 0xFFFF_FFFFL;
                case Short.BYTES:
                    return (short) SHORTS.get(chunk, at) & 0xFFFFL;
                case Byte.BYTES:
                    return chunk.get(at) & 0xFFL;
                default:
                    return loadOdd(chunk, at, offset, size);
            }
        } catch (IndexOutOfBoundsException outside) {
            throw outside(frame, offset, size, outside);
        }
    }

    @Override
    public void store(int frame, int offset, int size, long value) {
        try {
            ByteBuffer chunk = chunk(frame);
            int at = at(frame, offset, size);
            switch (size) {
                case Long.BYTES:
                    LONGS.set(chunk, at, value);
                    break;
                case Integer.BYTES:
                    INTS.set(chunk, at, (int) value);
                    break;
                case Short.BYTES:
                    SHORTS.set(chunk, at, (short) value);
                    break;
                case Byte.BYTES:
                    chunk.put(at, (byte) value);
                    break;
                default:
                    storeOdd(chunk, at, size, value);
            }
        } catch (IndexOutOfBoundsException outside) {
            throw outside(frame, offset, size, outside);
        }
    }

    @Override
    public long loadVolatile(int frame, int offset) {
        try {
            return (long) LONGS.getVolatile(chunk(frame), at(frame, offset, Long.BYTES));
        } catch (IndexOutOfBoundsException outside) {
            throw outside(frame, offset, Long.BYTES, outside);
        }
    }

    @Override
    public void storeVolatile(int frame, int offset, long value) {
        try {
            LONGS.setVolatile(chunk(frame), at(frame, offset, Long.BYTES), value);
        } catch (IndexOutOfBoundsException outside) {
            throw outside(frame, offset, Long.BYTES, outside);
        }
    }

    @Override
    public boolean compareAndSet(int frame, int offset, long expected, long value) {
        try {
            return LONGS.compareAndSet(chunk(frame), at(frame, offset, Long.BYTES), expected, value);
        } catch (IndexOutOfBoundsException outside) {
            throw outside(frame, offset, Long.BYTES, outside);
        }
    }

    @Override
    public void zero(int frame, int offset, int length) {
        write(frame, offset, ZEROES, 0, length);
    }

    @Override
    public void copy(int fromFrame, int toFrame) {
        read(fromFrame, 0, checkedChunk(toFrame), at(toFrame, 0, PageSize.BYTES), PageSize.BYTES);
    }

    @Override
    public void read(int frame, int offset, byte[] to, int toOffset, int length) {
        checkedChunk(frame).get(at(frame, offset, length), to, toOffset, length);
    }

    @Override
    public void write(int frame, int offset, byte[] from, int fromOffset, int length) {
        checkedChunk(frame).put(at(frame, offset, length), from, fromOffset, length);
    }

    @Override
    public void read(int frame, int offset, ByteBuffer to, int toOffset, int length) {
        to.put(toOffset, checkedChunk(frame), at(frame, offset, length), length);
    }

    @Override
    public void write(int frame, int offset, ByteBuffer from, int fromOffset, int length) {
        checkedChunk(frame).put(at(frame, offset, length), from, fromOffset, length);
    }

    /** The buffer for {@code frame}: most often the first, which saves a step to its address. */
    private ByteBuffer chunk(int frame) {
        int number = frame >>> CHUNK_SHIFT;
        return number == FIRST_CHUNK ? firstChunk : chunks[number];
    }

    /** The buffer that holds {@code frame}, for methods of buffers that do not name the frame when they refuse. */
    private ByteBuffer checkedChunk(int frame) {
        int number = frame >>> CHUNK_SHIFT;
        ByteBuffer chunk = number < chunks.length ? chunks[number] : HOLE;
        if ((frame & CHUNK - 1) >= chunk.capacity() >>> PageSize.SHIFT) {
            throw new KernelPanic("memory: frame %#x is in no segment of %s", frame, segments);
        }
        return chunk;
    }

    /** Where in its buffer {@code length} bytes of {@code frame} are. */
    private static int at(int frame, int offset, int length) {
        // Written so that nothing but the last is left of it where offset and length are known to be positive.
        if (offset < 0 || length < 0 || offset > PageSize.BYTES - length) {
            throw new KernelPanic(
                    "memory: %d bytes at offset %d of frame %#x: beyond the frame", length, offset, frame);
        }
        return ((frame & CHUNK - 1) << PageSize.SHIFT) + offset;
    }

    private KernelPanic outside(int frame, int offset, int length, IndexOutOfBoundsException cause) {
        KernelPanic panic = new KernelPanic(
                "memory: frame %#x, offset %d, %d bytes: outside every segment of %s", frame, offset, length, segments);
        panic.initCause(cause);
        return panic;
    }

    /** Three, five, six or seven bytes: cut from a word if the frame has one there, else put together. */
    private static long loadOdd(ByteBuffer chunk, int at, int offset, int size) {
        if (size < 1 || size > Long.BYTES) {
            throw badSize(size);
        }
        if (offset <= PageSize.BYTES - Long.BYTES) {
            return (long) LONGS.get(chunk, at) & -1L >>> Long.SIZE - size * Byte.SIZE;
        }
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << Byte.SIZE | chunk.get(at + i) & 0xFF;
        }
        return value;
    }

    private static void storeOdd(ByteBuffer chunk, int at, int size, long value) {
        if (size < 1 || size > Long.BYTES) {
            throw badSize(size);
        }
        for (int i = 0; i < size; i++) {
            chunk.put(at + i, (byte) (value >>> i * Byte.SIZE));
        }
    }

    private static KernelPanic badSize(int size) {
        return new KernelPanic("memory: access of %d bytes: expected 1 to 8", size);
    }
}
