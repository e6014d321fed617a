// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import penumbra.kern.Fidelity;

/**
 * How many slots there are and are free in all stores that take pages, and the marks that follow
 * ({@code swap_pager_avail}, {@code swp_sizecheck}). The lock of the {@link StoreTable} guards changes.
 */
final class SlotFigures {
    /** Below so many free slots the stores count as almost full ({@code nswap_lowat}). */
    static final int LOW_WATER = 128;

    /** Above so many free slots they do not any more ({@code nswap_hiwat}). */
    static final int HIGH_WATER = 512;

    /**
     * The mark is no higher than an eighth of all slots; the original counts fewer slots than its mark as full for
     * ever.
     */
    private static final int LOW_PART = 8;

    /** As {@link #LOW_PART}, a half. */
    private static final int HIGH_PART = 2;

    private final Fidelity fidelity;
    private long total;
    private long available;

    /** Slots that can never be allocated; the original counts them as free when it compares. */
    private long unusable;

    private volatile boolean almostFull = true;
    private volatile boolean full = true;

    SlotFigures(Fidelity fidelity) {
        this.fidelity = fidelity;
    }

    /** All slots. */
    long total() {
        return total;
    }

    /** Slots that can be allocated. */
    long available() {
        return available;
    }

    /** What the original's figure says: {@link #available} and the slots that can never be allocated. */
    long availableWithUnusable() {
        return available + unusable;
    }

    /** No lock. */
    boolean almostFull() {
        return almostFull;
    }

    /** No lock. */
    boolean full() {
        return full;
    }

    /** A store's slots begin to count. */
    void add(StoreEntry entry) {
        total += entry.capacity;
        available += entry.free();
        unusable += entry.unusable;
        checkMarks();
    }

    /** A store's slots count no more. */
    void subtract(StoreEntry entry) {
        total -= entry.capacity;
        available -= entry.free();
        unusable -= entry.unusable;
        if (total == 0) {
            exhausted();
        }
    }

    /** {@code count} slots were allocated, or freed if it is negative. */
    void allocated(int count) {
        available -= count;
        checkMarks();
    }

    /** No run of any length could be had. No lock. */
    void exhausted() {
        full = true;
        almostFull = true;
    }

    private void checkMarks() {
        if (available + unusable < mark(LOW_WATER, LOW_PART)) {
            almostFull = true;
        } else {
            full = false;
            if (available + unusable > mark(HIGH_WATER, HIGH_PART)) {
                almostFull = false;
            }
        }
    }

    private long mark(int slots, int part) {
        return fidelity.corrected() ? Math.min(slots, Math.max(1, total / part)) : slots;
    }
}
