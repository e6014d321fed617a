// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import penumbra.hw.TlbEntry;

/**
 * A CPU's translation lookaside buffer: direct-mapped, tagged with virtual page and address space.
 *
 * <p>Used by the CPU's own thread only. A slot is two adjacent longs, the tag and the {@link TlbEntry}; an empty slot has
 * an entry that allows nothing.
 */
final class Tlb {
    /** Above the 35 bits of a page number below 2^47 bytes; a tag must never be mistaken for another. */
    private static final int ASID_SHIFT = 40;
    /** Spreads the spaces over the slots, since all of them use the same pages: 2^32 divided by the golden ratio. */
    private static final int SPREAD = 0x9E37_79B9;

    private final long[] slots;
    private final int mask;

    Tlb(int entries) {
        slots = new long[2 * entries];
        mask = entries - 1;
    }

    /** What to combine with a page number to get the tag of that page in space {@code asid}. */
    static long tagOf(int asid) {
        return (long) asid << ASID_SHIFT;
    }

    /** What to combine with a page number to choose the slot of a page in space {@code asid}. */
    static int saltOf(int asid) {
        return asid * SPREAD >>> 16;
    }

    /** The translation of {@code page}, or {@link TlbEntry#MISS}. */
    long lookup(long page, long asidTag, int salt) {
        int slot = slot(page, salt);
        return slots[slot] == (page | asidTag) ? slots[slot + 1] : TlbEntry.MISS;
    }

    /** Remembers a translation. */
    void fill(long page, long asidTag, int salt, long entry) {
        int slot = slot(page, salt);
        slots[slot] = page | asidTag;
        slots[slot + 1] = entry;
    }

    /** Forgets pages {@code [start, end)} of space {@code asid}. */
    void forget(int asid, long start, long end) {
        if (end - start > mask) {
            forgetMatching(tagOf(asid) | start, tagOf(asid) | end - 1);
            return;
        }
        int salt = saltOf(asid);
        for (long page = start; page < end; page++) {
            int slot = slot(page, salt);
            if (slots[slot] == (page | tagOf(asid))) {
                slots[slot + 1] = TlbEntry.MISS;
            }
        }
    }

    private void forgetMatching(long first, long last) {
        for (int slot = 0; slot < slots.length; slot += 2) {
            if (slots[slot] >= first && slots[slot] <= last) {
                slots[slot + 1] = TlbEntry.MISS;
            }
        }
    }

    /** Forgets everything. */
    void forgetAll() {
        for (int slot = 0; slot < slots.length; slot += 2) {
            slots[slot + 1] = TlbEntry.MISS;
        }
    }

    private int slot(long page, int salt) {
        return (((int) page ^ salt) & mask) << 1;
    }
}
