// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import java.util.List;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * For every frame of general and device memory, the managed mappings of it: a chain through the table entries
 * themselves.
 *
 * <p>An entry's place is its table's number and its index there. Beside each table that maps pages lies an array with
 * two links for each entry, so a mapping is put in and taken out without a search and without memory of its own: 4
 * bytes a frame, and 8 for each entry of a table. Every method needs the lock of the frame, {@link #lockOf}; frames
 * share locks.
 */
final class Chains {
    /** No place. */
    static final int NONE = -1;

    /** Enough that CPUs which fault on different frames seldom meet. */
    private static final int LOCKS = 128;
    /** Spreads frames over locks, whatever distance they have: 2^32 divided by the golden ratio. */
    private static final int SPREAD = 0x9E37_79B9;

    private static final int LOCK_SHIFT = Integer.SIZE - 7;

    private final KernelLock[] locks = new KernelLock[LOCKS];
    /** By segment, the number of its first frame. */
    private final int[] starts;
    /** By segment and frame, the first place of the frame's chain, plus one. */
    private final int[][] heads;
    /** By table, for each of its entries the places behind and before it in its chain, plus one. */
    private final int[][] links;

    /**
     * Empty chains for the general and the device memory among {@code segments}, through {@code tables} tables at most.
     */
    Chains(List<MemorySegment> segments, int tables) {
        List<MemorySegment> mapped = segments.stream()
                .filter(segment -> segment.use() == SegmentUse.GENERAL || segment.use() == SegmentUse.DEVICE)
                .toList();
        starts = mapped.stream().mapToInt(MemorySegment::firstFrame).toArray();
        heads = mapped.stream().map(segment -> new int[segment.frames()]).toArray(int[][]::new);
        links = new int[tables][];
        for (int i = 0; i < LOCKS; i++) {
            locks[i] = new KernelLock(LockRank.PV, "sv48 chain");
        }
    }

    /** The place of entry {@code index} of table {@code number}. */
    static int place(int number, int index) {
        return number << Sv48.INDEX_BITS | index;
    }

    /** The number of the table that {@code place} is in. */
    static int table(int place) {
        return place >>> Sv48.INDEX_BITS;
    }

    /** The index of {@code place} in its table. */
    static int index(int place) {
        return place & Sv48.ENTRIES - 1;
    }

    /** Makes room for the links of table {@code number}, which is going to map pages; needs its owner's lock only. */
    void prepare(int number) {
        if (links[number] == null) {
            links[number] = new int[2 * Sv48.ENTRIES];
        }
    }

    /** The lock of the chain of {@code frame}. */
    KernelLock lockOf(int frame) {
        return locks[frame * SPREAD >>> LOCK_SHIFT];
    }

    /** Which segment {@code frame} is in; there are few. */
    private int segment(int frame) {
        for (int i = 0; i < starts.length; i++) {
            if (Integer.compareUnsigned(frame - starts[i], heads[i].length) < 0) {
                return i;
            }
        }
        throw new KernelPanic("sv48: a managed mapping of frame %#x, which is no memory", frame);
    }

    /** The first place of the chain of {@code frame}, or {@link #NONE}. */
    int head(int frame) {
        int segment = segment(frame);
        return heads[segment][frame - starts[segment]] - 1;
    }

    /** The place behind {@code place} in its chain, or {@link #NONE}. */
    int after(int place) {
        return links[table(place)][2 * index(place)] - 1;
    }

    /** Puts {@code place}, which is in no chain, at the head of that of {@code frame}. */
    void add(int frame, int place) {
        int segment = segment(frame);
        int next = heads[segment][frame - starts[segment]];
        setAfter(place + 1, next);
        setBefore(place + 1, 0);
        setBefore(next, place + 1);
        heads[segment][frame - starts[segment]] = place + 1;
    }

    /** Takes {@code place} out of the chain of {@code frame}. */
    void remove(int frame, int place) {
        int[] own = links[table(place)];
        int next = own[2 * index(place)];
        int before = own[2 * index(place) + 1];
        setBefore(next, before);
        if (before == 0) {
            int segment = segment(frame);
            heads[segment][frame - starts[segment]] = next;
        } else {
            setAfter(before, next);
        }
    }

    private void setAfter(int link, int next) {
        links[table(link - 1)][2 * index(link - 1)] = next;
    }

    private void setBefore(int link, int before) {
        if (link != 0) {
            links[table(link - 1)][2 * index(link - 1) + 1] = before;
        }
    }
}
