// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Arrays;
import java.util.List;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * For every frame of general and device memory, the managed mappings of it (FreeBSD's {@code pv_entry} lists): twelve
 * bytes a frame, which hold the first mapping, and twelve more for each further one.
 *
 * <p>A mapping is a key: the space's ASID and the virtual page. Every method needs the lock that {@link #lockOf} names for
 * the frame; frames of the same 2 MiB share one.
 */
final class PvLists {
    /** No mapping. */
    static final long NONE = 0;

    /** Keeps the key of page 0 in space 0 from being {@link #NONE}. */
    private static final long KEY = 1L << 62;

    private static final int ASID_SHIFT = 40;
    private static final int ASID_MASK = 0xFFFF;
    /** Frames in 2 MiB, as FreeBSD's {@code PHYS_TO_PV_LIST_LOCK} hashes. */
    private static final int STRIPE_SHIFT = 9;
    /** Enough that CPUs which fault on different memory seldom meet. */
    private static final int STRIPES = 128;

    private final int first;
    /** How many frames there are from {@link #first} to the end of general memory; those of devices follow in the arrays. */
    private final int general;

    private final int firstDevice;
    /** By index of the frame, the key of one of its mappings. */
    private final long[] keys;
    /** By index of the frame, where in its stripe's pool the list of its further mappings starts; 0 is its end. */
    private final int[] more;

    private final Stripe[] stripes = new Stripe[STRIPES];

    /** Empty lists for the general memory and that of devices among {@code segments}. */
    PvLists(List<MemorySegment> segments) {
        Span pages = Span.of(segments, SegmentUse.GENERAL);
        Span devices = Span.of(segments, SegmentUse.DEVICE);
        first = pages.first;
        general = pages.frames;
        firstDevice = devices.first;
        keys = new long[general + devices.frames];
        more = new int[keys.length];
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new Stripe();
        }
    }

    /** From the first to the last frame of one use; empty when there is none. */
    private record Span(int first, int frames) {
        static Span of(List<MemorySegment> segments, SegmentUse use) {
            int from = Integer.MAX_VALUE;
            int to = 0;
            for (MemorySegment segment : segments) {
                if (segment.use() == use) {
                    from = Math.min(from, segment.firstFrame());
                    to = Math.max(to, segment.endFrame());
                }
            }
            return new Span(from, Math.max(0, to - from));
        }
    }

    /** Where in the arrays {@code frame} is. */
    private int index(int frame) {
        int index = frame - first;
        return Integer.compareUnsigned(index, general) < 0 ? index : general + frame - firstDevice;
    }

    /** The key of the mapping at {@code page} of space {@code asid}. */
    static long key(int asid, long page) {
        return KEY | (long) asid << ASID_SHIFT | page;
    }

    /** The ASID in {@code key}. */
    static int asid(long key) {
        return (int) (key >>> ASID_SHIFT) & ASID_MASK;
    }

    /** The virtual page in {@code key}. */
    static long page(long key) {
        return key & (1L << ASID_SHIFT) - 1;
    }

    /** The lock of the list of {@code frame}. */
    KernelLock lockOf(int frame) {
        return stripeOf(frame).lock;
    }

    private Stripe stripeOf(int frame) {
        return stripes[frame >>> STRIPE_SHIFT & STRIPES - 1];
    }

    /** The key of one mapping of {@code frame}, or {@link #NONE} when it has none. */
    long head(int frame) {
        return keys[index(frame)];
    }

    /** Where the further mappings of {@code frame} start: for {@link #keyAt} and {@link #after}; 0 when there are none. */
    int rest(int frame) {
        return more[index(frame)];
    }

    /** The key at {@code place} in the pool of {@code frame}. */
    long keyAt(int frame, int place) {
        return stripeOf(frame).keys[place];
    }

    /** The place after {@code place} in the list of {@code frame}, or 0. */
    int after(int frame, int place) {
        return stripeOf(frame).next[place];
    }

    /** Adds a mapping that is not in the list. */
    void add(int frame, long key) {
        int index = index(frame);
        if (keys[index] == NONE) {
            keys[index] = key;
        } else {
            more[index] = stripeOf(frame).link(key, more[index]);
        }
    }

    /** Takes a mapping out of the list; panics when it is not there. */
    void remove(int frame, long key) {
        int index = index(frame);
        Stripe stripe = stripeOf(frame);
        if (keys[index] == key) {
            int place = more[index];
            keys[index] = stripe.keys[place];
            more[index] = place == 0 ? 0 : stripe.unlink(place);
            return;
        }
        int before = 0;
        int place = more[index];
        while (place != 0 && stripe.keys[place] != key) {
            before = place;
            place = stripe.next[place];
        }
        if (place == 0) {
            throw new KernelPanic(
                    "pv remove: frame %#x has no mapping at page %#x of space %d", frame, page(key), asid(key));
        }
        int after = stripe.unlink(place);
        if (before == 0) {
            more[index] = after;
        } else {
            stripe.next[before] = after;
        }
    }

    /** The further mappings of some frames, and their lock. Place 0 is never used, and its key stays {@link #NONE}. */
    private static final class Stripe {
        private static final int FIRST_SIZE = 16;

        final KernelLock lock = new KernelLock(LockRank.PV, "pv list");
        long[] keys = {NONE};
        int[] next = {0};
        private int free;
        private int fresh = 1;

        /** Puts {@code key} in front of the list that starts at {@code list}; returns its place. */
        int link(long key, int list) {
            int place = free;
            if (place != 0) {
                free = next[place];
            } else {
                place = fresh++;
                if (place >= keys.length) {
                    grow();
                }
            }
            keys[place] = key;
            next[place] = list;
            return place;
        }

        /** Frees {@code place}; returns what came after it. */
        int unlink(int place) {
            int after = next[place];
            next[place] = free;
            free = place;
            return after;
        }

        private void grow() {
            int size = keys.length + Math.max(FIRST_SIZE, keys.length >> 1);
            keys = Arrays.copyOf(keys, size);
            next = Arrays.copyOf(next, size);
        }
    }
}
