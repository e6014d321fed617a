// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.kern.SpinWait;

/**
 * For every frame of general and device memory, the managed mappings of it (FreeBSD's {@code pv_entry} lists): twelve
 * bytes a frame, which hold the first mapping, and twelve more for each further one. Mappings of 2 MiB at once are in
 * the list of their frames' {@link #superpage} and in no other.
 *
 * <p>A mapping is a key: the space's ASID and the (first) virtual page. Every method needs the lock that
 * {@link #lockOf} names for the frame, unless said otherwise; frames of the same 2 MiB share one.
 *
 * <p>A change of many mappings takes effect in TLBs only after its last one, when it may hold these locks no more.
 * Until then its {@link #delay} makes those wait who look at, or change, other mappings of the same frames, in
 * {@link #awaitShot}.
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
    static final int STRIPES = 128;
    /**
     * How far apart the stripes of neighbouring superpages are, which CPUs often fill at the same time: what is written
     * at each fault shares no cache line then. Odd, so that all stripes are used.
     */
    private static final int STRIDE = 37;

    private final Span general;
    private final Span device;
    /** Where in the arrays the lists of superpages begin: behind the frames of general memory and those of devices. */
    private final int firstSuperpage;
    /** By index of the list, the key of one of its mappings. */
    private final long[] keys;
    /** By index of the list, where in its stripe's pool the list of its further mappings starts; 0 is its end. */
    private final int[] more;

    private final Stripe[] stripes = new Stripe[STRIPES];
    /** By stripe, how many changes of mappings of its frames are not shot down yet. */
    private final AtomicIntegerArray delayed = new AtomicIntegerArray(STRIPES);

    /** Empty lists for the general memory and that of devices among {@code segments}. */
    PvLists(List<MemorySegment> segments) {
        general = Span.of(segments, SegmentUse.GENERAL);
        device = Span.of(segments, SegmentUse.DEVICE);
        firstSuperpage = general.frames + device.frames;
        keys = new long[firstSuperpage + general.superpages() + device.superpages()];
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

        boolean has(int frame) {
            return Integer.compareUnsigned(frame - first, frames) < 0;
        }

        int superpages() {
            return frames == 0 ? 0 : superpageOf(first + frames - 1) - superpageOf(first) + 1;
        }
    }

    /** Where in the arrays {@code list}, a frame or a {@link #superpage}, is. */
    private int index(int list) {
        if (list < 0) {
            int number = ~list;
            int index = number - superpageOf(general.first);
            return firstSuperpage
                    + (Integer.compareUnsigned(index, general.superpages()) < 0
                            ? index
                            : general.superpages() + number - superpageOf(device.first));
        }
        return general.has(list) ? list - general.first : general.frames + list - device.first;
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

    private static int superpageOf(int frame) {
        return frame >>> STRIPE_SHIFT;
    }

    /** The list of the mappings of the whole 2 MiB that {@code frame} is in: an argument in place of a frame. */
    static int superpage(int frame) {
        return ~superpageOf(frame);
    }

    /** The lock of the list of {@code frame}. */
    KernelLock lockOf(int frame) {
        return stripeOf(frame).lock;
    }

    private Stripe stripeOf(int list) {
        return stripes[stripeOfSuperpage(list < 0 ? ~list : superpageOf(list))];
    }

    /** The number of the lock of {@code frame}; needs no lock. */
    static int stripe(int frame) {
        return stripeOfSuperpage(superpageOf(frame));
    }

    private static int stripeOfSuperpage(int number) {
        return number * STRIDE & STRIPES - 1;
    }

    /**
     * Says, before a mapping of a frame with lock {@code stripe} changes, that the shootdown comes later; needs no
     * lock.
     */
    void delay(int stripe) {
        delayed.incrementAndGet(stripe);
    }

    /** Says that a {@link #delay} is over; needs no lock. */
    void shot(int stripe) {
        delayed.decrementAndGet(stripe);
    }

    /**
     * Waits until nobody uses a translation that was taken from mappings of {@code frame} before. Under no lock of a
     * list; those that it waits for need no lock to go on but these.
     */
    void awaitShot(int frame) {
        int stripe = stripe(frame);
        for (int spins = 0; delayed.get(stripe) != 0; spins++) {
            SpinWait.pause(spins);
        }
    }

    /** Whether {@code frame} has a mapping, of itself or in a superpage. */
    boolean isMapped(int frame) {
        return head(frame) != NONE || head(superpage(frame)) != NONE;
    }

    /** The key of one mapping of {@code frame}, or {@link #NONE} when it has none. */
    long head(int frame) {
        return keys[index(frame)];
    }

    /**
     * Where the further mappings of {@code frame} start: for {@link #keyAt} and {@link #after}; 0 when there are none.
     */
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
