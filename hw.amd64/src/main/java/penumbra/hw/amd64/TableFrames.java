// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Arrays;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * The frames that tables live in: which are free, how many entries of each of the others are in use, and which tables
 * wait behind superpages.
 *
 * <p>Lock: its own, for the free list (rank {@code FREE_LIST}). A table's count of entries belongs to the space that
 * owns the table and is guarded by that space's lock; what is kept changes under that lock and the one of the frames'
 * lists.
 */
final class TableFrames {
    /** No frame. */
    static final int NONE = -1;

    private static final int[] NO_TABLES = {};

    /** Tables taken in turn have 16 rows; 128 bytes for each count would be 128 KiB on the smallest machine. */
    private static final int ROWS_SHIFT = 4;

    private static final int ROWS = 1 << ROWS_SHIFT;

    private final PhysicalMemory memory;
    private final int first;
    /** For each frame, the next in the chain that it is in. */
    private final int[] next;

    /** The counts of entries; see {@link #place}. */
    private final short[] used;

    private final int columns;
    /** For each directory with superpages, by entry, the table of the lowest level that waits to be put in again. */
    private final int[][] kept;

    private final KernelLock lock = new KernelLock(LockRank.FREE_LIST, "table frames");
    private int free = NONE;
    private int freeCount;

    /** All frames of {@code segment}, free. */
    TableFrames(PhysicalMemory memory, MemorySegment segment) {
        this.memory = memory;
        this.first = segment.firstFrame();
        this.next = new int[segment.frames()];
        this.columns = segment.frames() + ROWS - 1 >>> ROWS_SHIFT;
        this.used = new short[ROWS * columns];
        this.kept = new int[segment.frames()][];
        Arrays.fill(kept, NO_TABLES);
        for (int frame = segment.endFrame() - 1; frame >= first; frame--) {
            free = chain(frame, free);
        }
        freeCount = segment.frames();
    }

    /** A frame of zeroes for an empty table, or {@link #NONE}. */
    int takeEmpty() {
        int frame = take();
        if (frame != NONE) {
            memory.zero(frame, 0, PageSize.BYTES);
        }
        return frame;
    }

    /** A frame for a table that is going to be filled, or {@link #NONE}. */
    int take() {
        lock.lock();
        int frame = free;
        if (frame != NONE) {
            free = next[frame - first];
            freeCount--;
        }
        lock.unlock();
        if (frame != NONE) {
            used[place(frame)] = 0;
        }
        return frame;
    }

    /**
     * Puts {@code frame}, which is in no chain, in front of {@code chain}, which may be {@link #NONE}; returns the
     * chain.
     */
    int chain(int frame, int chain) {
        next[frame - first] = chain;
        kept[frame - first] = NO_TABLES;
        return frame;
    }

    /** Frees every frame of {@code chain}; no walk of tables may be in one any more. */
    void give(int chain) {
        if (chain == NONE) {
            return;
        }
        int frames = 1;
        int last = chain;
        while (next[last - first] != NONE) {
            last = next[last - first];
            frames++;
        }
        lock.lock();
        next[last - first] = free;
        free = chain;
        freeCount += frames;
        lock.unlock();
    }

    /**
     * Where the count of the table in {@code frame} is. Tables that were taken one after the other, maybe for different
     * spaces, have theirs a row apart, so that CPUs which fill them do not meet in a cache line.
     */
    private int place(int frame) {
        int number = frame - first;
        return (number & ROWS - 1) * columns + (number >>> ROWS_SHIFT);
    }

    /** Counts one more entry of the table in {@code frame} that is in use. */
    void addEntry(int frame) {
        used[place(frame)]++;
    }

    /** Counts one entry less. */
    void dropEntry(int frame) {
        used[place(frame)]--;
    }

    /** Whether no entry of the table in {@code frame} is in use. */
    boolean isEmpty(int frame) {
        return used[place(frame)] == 0;
    }

    /** Whether every entry of the table in {@code frame} is in use, and none that is gone still counts. */
    boolean isFull(int frame) {
        return used[place(frame)] == Pte.LARGE_PAGES;
    }

    /** Counts all entries of the table in {@code frame} as in use, or none. */
    void setAllUsed(int frame, boolean all) {
        used[place(frame)] = (short) (all ? Pte.LARGE_PAGES : 0);
    }

    /** Keeps {@code table} for the time when entry {@code index} of {@code directory} is no superpage any more. */
    void keep(int directory, int index, int table) {
        int[] tables = kept[directory - first];
        if (tables == NO_TABLES) {
            tables = new int[Pte.LARGE_PAGES];
            kept[directory - first] = tables;
        }
        tables[index] = table;
    }

    /** The table that was kept for entry {@code index} of {@code directory}. */
    int kept(int directory, int index) {
        return kept[directory - first][index];
    }

    /** How many frames are free. */
    int freeCount() {
        lock.lock();
        int count = freeCount;
        lock.unlock();
        return count;
    }
}
