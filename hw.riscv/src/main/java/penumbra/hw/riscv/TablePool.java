// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import org.jspecify.annotations.Nullable;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * The frames that tables live in: a stack of free ones, and what each of the others is used for.
 *
 * <p>Lock: its own, for the stack (rank {@code FREE_LIST}). How many entries of a table are used, and which pages it
 * maps, belongs to the space that has the table and is guarded by that space's lock; a table's owner may also be asked
 * by who holds the lock of a chain with one of its entries.
 */
final class TablePool {
    /** No frame. */
    static final int NONE = -1;

    private final PhysicalMemory memory;
    private final int first;
    private final KernelLock lock = new KernelLock(LockRank.FREE_LIST, "sv48 tables");
    private final int[] free;
    private int freeCount;

    private final short[] used;
    private final @Nullable RiscvSpace[] owners;
    private final long[] pages;

    /** All frames that {@code memory} sets aside for tables, free. */
    TablePool(PhysicalMemory memory) {
        MemorySegment segment = memory.segments().stream()
                .filter(each -> each.use() == SegmentUse.TABLES)
                .findFirst()
                .orElseThrow(() -> new KernelPanic("attach: no segment for tables in %s", memory.segments()));
        this.memory = memory;
        this.first = segment.firstFrame();
        this.free = new int[segment.frames()];
        this.used = new short[segment.frames()];
        this.owners = new RiscvSpace[segment.frames()];
        this.pages = new long[segment.frames()];
        for (int frame = segment.endFrame() - 1; frame >= first; frame--) {
            free[freeCount++] = frame;
        }
    }

    /** How many frames there are. */
    int frames() {
        return free.length;
    }

    /** How many are free. */
    int freeCount() {
        lock.lock();
        int count = freeCount;
        lock.unlock();
        return count;
    }

    /** An empty table for {@code owner}, or {@link #NONE}; {@code page} is the first that it is for. */
    int take(RiscvSpace owner, long page) {
        lock.lock();
        int frame = freeCount == 0 ? NONE : free[--freeCount];
        lock.unlock();
        if (frame != NONE) {
            memory.zero(frame, 0, PageSize.BYTES);
            owners[frame - first] = owner;
            pages[frame - first] = page;
            used[frame - first] = 0;
        }
        return frame;
    }

    /** Takes a table back; no walk may be in it any more. */
    void give(int frame) {
        owners[frame - first] = null;
        lock.lock();
        free[freeCount++] = frame;
        lock.unlock();
    }

    /** The number of the table in {@code frame}, from 0. */
    int number(int frame) {
        return frame - first;
    }

    /** The frame of table {@code number}. */
    int frame(int number) {
        return first + number;
    }

    /** Whose the table with this number is. */
    RiscvSpace owner(int number) {
        RiscvSpace owner = owners[number];
        if (owner == null) {
            throw new KernelPanic("sv48: table %d belongs to nobody", number);
        }
        return owner;
    }

    /** The first page that the table with this number is for. */
    long page(int number) {
        return pages[number];
    }

    /** Counts {@code more} entries of the table in {@code frame} that are used; returns how many are. */
    int count(int frame, int more) {
        return used[frame - first] += (short) more;
    }
}
