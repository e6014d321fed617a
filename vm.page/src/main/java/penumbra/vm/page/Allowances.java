// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import penumbra.kern.Stripes;

/**
 * How many free pages threads may take without asking: they have been counted as taken, and are not yet.
 *
 * <p>What {@link FreeMemory} allows under the free list lock, a thread uses up with no lock that others need
 * (FreeBSD 12's per-CPU page caches are there for the same end). Nothing is allowed while memory is short.
 */
final class Allowances {
    /**
     * Pages that are allowed at once: half a reservation. Each time, some ten cache lines of the free list and the
     * reservations' queue move from one CPU to another.
     */
    static final int PAGES = 256;

    private static final int SPACING = Stripes.DISTANCE / Integer.BYTES;
    private static final VarHandle LEFT = MethodHandles.arrayElementVarHandle(int[].class);

    private final int[] left = new int[(1 + Stripes.COUNT) * SPACING];

    private static int mine() {
        return Stripes.ofCaller() * SPACING;
    }

    /** Uses one page of the caller's stripe; returns false when none is left. */
    boolean use() {
        int stripe = mine();
        int before;
        do {
            before = (int) LEFT.getOpaque(left, stripe);
            if (before == 0) {
                return false;
            }
        } while (!LEFT.compareAndSet(left, stripe, before, before - 1));
        return true;
    }

    /** Allows {@code pages} more pages to the caller's stripe. */
    void add(int pages) {
        LEFT.getAndAdd(left, mine(), pages);
    }

    /** Whether the caller's stripe has used everything up. */
    boolean usedUp() {
        return (int) LEFT.getOpaque(left, mine()) == 0;
    }

    /** Takes everything back that has not been used; returns how many pages that are. */
    int takeBack() {
        int pages = 0;
        for (int stripe = 0; stripe < left.length; stripe += SPACING) {
            pages += (int) LEFT.getAndSet(left, stripe, 0);
        }
        return pages;
    }

    /** Pages that are allowed and not used, a little behind while others use them. */
    int sum() {
        int pages = 0;
        for (int stripe = 0; stripe < left.length; stripe += SPACING) {
            pages += (int) LEFT.getOpaque(left, stripe);
        }
        return pages;
    }
}
