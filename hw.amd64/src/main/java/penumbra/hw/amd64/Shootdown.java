// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.Machine;

/**
 * What one operation on a space has taken away and TLBs may still have: shot down once, at its end.
 *
 * <p>Guarded by the space's lock.
 */
final class Shootdown {
    private final int asid;
    private final Machine machine;
    private final PvLists pv;
    /** Pages {@code [from, to)} are to be shot down. */
    private long from = Long.MAX_VALUE;

    private long to;
    /** The locks of lists whose frames lost mappings or rights, one bit each. */
    private final long[] stripes = new long[PvLists.STRIPES / Long.SIZE];

    /** Nothing to shoot down in space {@code asid}. */
    Shootdown(int asid, Machine machine, PvLists pv) {
        this.asid = asid;
        this.machine = machine;
        this.pv = pv;
    }

    /**
     * To be called before {@code old}, the entry of {@code page}, gets weaker: what TLBs have of it is going to be shot
     * down. An entry that is not accessed is in none.
     */
    void weaken(long page, long old) {
        if ((old & Pte.ACCESSED) == 0) {
            return;
        }
        if ((old & Pte.MANAGED) != 0) {
            int stripe = PvLists.stripe(Pte.frame(old));
            if ((stripes[stripe / Long.SIZE] >>> stripe & 1) == 0) {
                stripes[stripe / Long.SIZE] |= 1L << stripe;
                pv.delay(stripe);
            }
        }
        add(page, page + 1);
    }

    /** Whatever TLBs have of pages {@code [start, end)} is going to be shot down. */
    void add(long start, long end) {
        from = Math.min(from, start);
        to = Math.max(to, end);
    }

    /** Shoots down what was noted. */
    void fire() {
        if (from >= to) {
            return;
        }
        machine.invalidateRange(asid, from, to);
        from = Long.MAX_VALUE;
        to = 0;
        for (int i = 0; i < stripes.length; i++) {
            for (long left = stripes[i]; left != 0; left &= left - 1) {
                pv.shot(i * Long.SIZE + Long.numberOfTrailingZeros(left));
            }
            stripes[i] = 0;
        }
    }
}
