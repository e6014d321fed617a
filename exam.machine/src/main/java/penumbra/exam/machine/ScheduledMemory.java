// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.nio.ByteBuffer;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;

/**
 * Memory at whose accesses others may go on: before one to a table, and in the middle of what moves a whole page. What
 * programs do in user mode is not disturbed.
 */
final class ScheduledMemory extends MemoryInFront {
    private static final int HALF = PageSize.BYTES / 2;

    private final Schedule schedule;

    ScheduledMemory(PhysicalMemory real, Schedule schedule) {
        super(real);
        this.schedule = schedule;
    }

    @Override
    public long loadVolatile(int frame, int offset) {
        schedule.point();
        return super.loadVolatile(frame, offset);
    }

    @Override
    public void storeVolatile(int frame, int offset, long value) {
        schedule.point();
        super.storeVolatile(frame, offset, value);
    }

    @Override
    public boolean compareAndSet(int frame, int offset, long expected, long value) {
        schedule.point();
        return super.compareAndSet(frame, offset, expected, value);
    }

    @Override
    public void zero(int frame, int offset, int length) {
        super.zero(frame, offset, length / 2);
        schedule.point();
        super.zero(frame, offset + length / 2, length - length / 2);
    }

    @Override
    public void copy(int fromFrame, int toFrame) {
        byte[] half = new byte[HALF];
        for (int offset = 0; offset < PageSize.BYTES; offset += HALF) {
            super.read(fromFrame, offset, half, 0, HALF);
            schedule.point();
            super.write(toFrame, offset, half, 0, HALF);
        }
    }

    @Override
    public void read(int frame, int offset, ByteBuffer to, int toOffset, int length) {
        super.read(frame, offset, to, toOffset, length / 2);
        schedule.point();
        super.read(frame, offset + length / 2, to, toOffset + length / 2, length - length / 2);
    }

    @Override
    public void write(int frame, int offset, ByteBuffer from, int fromOffset, int length) {
        super.write(frame, offset, from, fromOffset, length / 2);
        schedule.point();
        super.write(frame, offset + length / 2, from, fromOffset + length / 2, length - length / 2);
    }
}
