// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

/**
 * A CPU's translation lookaside buffer: direct-mapped, tagged with virtual page and address space.
 *
 * <p>Used by the CPU's own thread only. A slot is two adjacent longs, a tag and a {@link TlbEntry}. The tag is the
 * address of the page, combined with the {@link #keyOf key} of its space, and has the {@link Prot} bits that are denied
 * where an address has its offset; so one comparison tells whether all of an access is in the page and allowed.
 */
final class Tlb {
    /** Slots that remember nothing, for a CPU that must not find anything. */
    static final long[] NOTHING = new Tlb(1).slots;

    /** Above the 47 bits of an address; a tag must never be mistaken for another. */
    private static final int ASID_SHIFT = 48;
    /** Spreads the spaces over the slots, since all of them use the same pages: 2^32 divided by the golden ratio. */
    private static final int SPREAD = 0x9E37_79B9;

    /** The bits of a tag that say which page of which space it is. */
    private static final long PAGE = ~(long) PageSize.MASK;
    /** The tag of a slot that is not in use. */
    private static final long UNUSED = Prot.ALL;

    private final long[] slots;

    Tlb(int entries) {
        slots = new long[2 * entries];
        forgetAll();
    }

    /** The slots, for the CPU's own look-ups. */
    long[] slots() {
        return slots;
    }

    /** What tells the pages of space {@code asid} from those of others, and spreads them. */
    static long keyOf(int asid) {
        return (long) asid << ASID_SHIFT ^ PageSize.bytes(asid * SPREAD >>> 16);
    }

    /** Which of {@code slots} the translation of {@code address} is in, if it is in any. */
    static int slotOf(long[] slots, long address, long key) {
        return (int) ((address ^ key) >>> PageSize.SHIFT - 1) & slots.length - 2;
    }

    /**
     * Whether a slot with {@code tag}, that of the first byte of an access, lets it through.
     *
     * @param last the address of its last byte
     * @param access one of the {@link Prot} bits
     */
    static boolean allows(long tag, long last, long key, int access) {
        return ((last & PAGE ^ key ^ tag) & (PAGE | access)) == 0;
    }

    /** The translation of {@code page}, or {@link TlbEntry#MISS}. */
    long lookup(long page, long key) {
        int slot = slotOf(slots, PageSize.bytes(page), key);
        return ((slots[slot] ^ PageSize.bytes(page) ^ key) & PAGE) == 0 ? slots[slot + 1] : TlbEntry.MISS;
    }

    /** Remembers a translation. */
    void fill(long page, long key, long entry) {
        int slot = slotOf(slots, PageSize.bytes(page), key);
        slots[slot] = PageSize.bytes(page) ^ key ^ denied(entry);
        slots[slot + 1] = entry;
    }

    private static int denied(long entry) {
        int denied = Prot.NONE;
        for (int access = Prot.READ; access <= Prot.EXECUTE; access <<= 1) {
            denied |= TlbEntry.allows(entry, access) ? 0 : access;
        }
        return denied;
    }

    /** Forgets pages {@code [start, end)} of space {@code asid}. */
    void forget(int asid, long start, long end) {
        long key = keyOf(asid);
        if (end - start > slots.length / 2) {
            forgetMatching(key, start, end);
            return;
        }
        for (long page = start; page < end; page++) {
            int slot = slotOf(slots, PageSize.bytes(page), key);
            if (((slots[slot] ^ PageSize.bytes(page) ^ key) & PAGE) == 0) {
                clear(slot);
            }
        }
    }

    private void forgetMatching(long key, long start, long end) {
        for (int slot = 0; slot < slots.length; slot += 2) {
            // Another space's page number has bits above those of any page.
            long page = PageSize.index(slots[slot] ^ key);
            if (page >= start && page < end) {
                clear(slot);
            }
        }
    }

    /** Forgets everything. */
    void forgetAll() {
        for (int slot = 0; slot < slots.length; slot += 2) {
            clear(slot);
        }
    }

    private void clear(int slot) {
        slots[slot] = UNUSED;
        slots[slot + 1] = TlbEntry.MISS;
    }
}
