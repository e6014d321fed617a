// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.nio.ByteBuffer;
import java.util.List;
import penumbra.hw.MemorySegment;
import penumbra.hw.PhysicalMemory;

/** Memory in front of other memory, which does what that does; whoever extends it changes some of it. */
class MemoryInFront implements PhysicalMemory {
    private final PhysicalMemory real;

    MemoryInFront(PhysicalMemory real) {
        this.real = real;
    }

    @Override
    public List<MemorySegment> segments() {
        return real.segments();
    }

    @Override
    public long load(int frame, int offset, int size) {
        return real.load(frame, offset, size);
    }

    @Override
    public void store(int frame, int offset, int size, long value) {
        real.store(frame, offset, size, value);
    }

    @Override
    public long loadVolatile(int frame, int offset) {
        return real.loadVolatile(frame, offset);
    }

    @Override
    public void storeVolatile(int frame, int offset, long value) {
        real.storeVolatile(frame, offset, value);
    }

    @Override
    public boolean compareAndSet(int frame, int offset, long expected, long value) {
        return real.compareAndSet(frame, offset, expected, value);
    }

    @Override
    public void zero(int frame, int offset, int length) {
        real.zero(frame, offset, length);
    }

    @Override
    public void copy(int fromFrame, int toFrame) {
        real.copy(fromFrame, toFrame);
    }

    @Override
    public void read(int frame, int offset, byte[] to, int toOffset, int length) {
        real.read(frame, offset, to, toOffset, length);
    }

    @Override
    public void write(int frame, int offset, byte[] from, int fromOffset, int length) {
        real.write(frame, offset, from, fromOffset, length);
    }

    @Override
    public void read(int frame, int offset, ByteBuffer to, int toOffset, int length) {
        real.read(frame, offset, to, toOffset, length);
    }

    @Override
    public void write(int frame, int offset, ByteBuffer from, int fromOffset, int length) {
        real.write(frame, offset, from, fromOffset, length);
    }
}
