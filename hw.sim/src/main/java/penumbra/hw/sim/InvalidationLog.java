// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The invalidations that shooters announce to all CPUs, in one order; the last {@link #SLOTS} of them can be read back.
 *
 * <p>Without a lock: a shooter claims the next number, then fills in its slot, unless somebody a whole lap away is at
 * it. A CPU that does not find in a slot what it looks for forgets its whole TLB instead, which serves any
 * invalidation, because the tables were changed before the number was claimed.
 */
final class InvalidationLog {
    /** The ASID of an invalidation that concerns every space. */
    static final int EVERY_SPACE = -1;

    /** Enough that a CPU which spent a moment in the kernel need not forget everything. */
    private static final int SLOTS = 256;

    private static final int SLOT_LONGS = 4;
    /** A slot's first long is the number of its announcement plus one, or this while somebody writes the others. */
    private static final long FILLING = -1;

    private static final int ASID = 1;
    private static final int START = 2;
    private static final int END = 3;

    private static final VarHandle TAIL;
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    static {
        try {
            TAIL = MethodHandles.lookup().findVarHandle(InvalidationLog.class, "tail", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** How many invalidations were announced. */
    volatile long tail;

    private final long[] slots = new long[SLOTS * SLOT_LONGS];

    InvalidationLog() {}

    /**
     * Announces that the translations of pages {@code [start, end)} of space {@code asid} are to be forgotten.
     *
     * @return the number of announcements up to and including this one
     */
    long announce(int asid, long start, long end) {
        long number = (long) TAIL.getAndAdd(this, 1L);
        int slot = slotOf(number);
        long stamp = (long) LONGS.getVolatile(slots, slot);
        boolean free = stamp != FILLING && stamp <= number;
        if (free && LONGS.compareAndSet(slots, slot, stamp, FILLING)) {
            VarHandle.storeStoreFence();
            LONGS.setOpaque(slots, slot + ASID, (long) asid);
            LONGS.setOpaque(slots, slot + START, start);
            LONGS.setOpaque(slots, slot + END, end);
            LONGS.setVolatile(slots, slot, number + 1);
        }
        return number + 1;
    }

    /** Makes {@code tlb} forget what announcements {@code [from, to)} say. */
    void apply(long from, long to, Tlb tlb) {
        if (to - from > SLOTS) {
            tlb.forgetAll();
            return;
        }
        for (long number = from; number < to; number++) {
            int slot = slotOf(number);
            long stamp = (long) LONGS.getVolatile(slots, slot);
            int asid = (int) (long) LONGS.getOpaque(slots, slot + ASID);
            long start = (long) LONGS.getOpaque(slots, slot + START);
            long end = (long) LONGS.getOpaque(slots, slot + END);
            VarHandle.loadLoadFence();
            boolean whole = stamp == number + 1 && (long) LONGS.getOpaque(slots, slot) == stamp;
            if (!whole || asid == EVERY_SPACE) {
                tlb.forgetAll();
                return;
            }
            tlb.forget(asid, start, end);
        }
    }

    private static int slotOf(long number) {
        return ((int) number & SLOTS - 1) * SLOT_LONGS;
    }
}
