// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.util.UUID;
import penumbra.hw.PageSize;

/**
 * What each slot holds, at the beginning of the compressed memory: a header by which a store that comes back knows it,
 * and two words a slot. Wants the store's lock.
 */
final class SlotTable {
    /** The kinds of an entry, its lowest bits. */
    static final int FREE = 0;

    /** Allocated, never written. */
    static final int EMPTY = 1;

    /** A page of one word over and over, which is the entry's second word. */
    static final int SAME = 2;

    /** A chain of blocks. */
    static final int CHAIN = 3;

    private static final int KIND_MASK = 3;
    private static final int LENGTH_SHIFT = 2;
    private static final int LENGTH_MASK = (PageSize.BYTES << 1) - 1;
    private static final int FIRST_SHIFT = Integer.SIZE;

    /** {@code PENZSWP} and the format's version, 1. */
    private static final long MAGIC = 0x50454e5a53575001L;

    private static final int IDENTITY_AT = 8;
    private static final int SLOTS_AT = 24;
    private static final int USER_AT = 32;
    private static final int HEADER = 64;
    private static final int ENTRY = 2 * Long.BYTES;

    private final Region region;
    private final long slots;

    SlotTable(Region region, long slots) {
        this.region = region;
        this.slots = slots;
    }

    /** How many bytes a table of {@code slots} takes, a multiple of the block size. */
    static long bytes(long slots) {
        return (HEADER + slots * ENTRY + BlockChains.BLOCK - 1) / BlockChains.BLOCK * BlockChains.BLOCK;
    }

    /** How many slots the table has that a store has left in {@code region}; 0 when there is none. */
    static long left(Region region) {
        return region.load(0) == MAGIC ? region.load(SLOTS_AT) : 0;
    }

    /** Whether a store has left a table of this size here. */
    boolean isThere() {
        return left(region) == slots;
    }

    /** Makes a new table, all slots free, under a new identity. */
    void format() {
        UUID identity = UUID.randomUUID();
        region.store(0, MAGIC);
        region.store(IDENTITY_AT, identity.getMostSignificantBits());
        region.store(IDENTITY_AT + Long.BYTES, identity.getLeastSignificantBits());
        region.store(SLOTS_AT, slots);
        for (long slot = 0; slot < slots; slot++) {
            set(slot, FREE);
        }
    }

    /** Makes the table unknown to stores that come. */
    void forget() {
        region.store(0, 0);
    }

    /** Claims the memory for one store, until {@link #leave}. */
    void enter() throws IOException {
        if (region.load(USER_AT) != 0) {
            throw new IOException("the compressed memory is in use by another store");
        }
        region.store(USER_AT, 1);
    }

    void leave() {
        region.store(USER_AT, 0);
    }

    /** What the memory is recognised by. */
    UUID identity() {
        return new UUID(region.load(IDENTITY_AT), region.load(IDENTITY_AT + Long.BYTES));
    }

    /** The entry of a slot. */
    long entry(long slot) {
        return region.load(address(slot));
    }

    /** The word that a {@link #SAME} page consists of. */
    long word(long slot) {
        return region.load(address(slot) + Long.BYTES);
    }

    void set(long slot, long entry) {
        region.store(address(slot), entry);
    }

    void setSame(long slot, long word) {
        region.store(address(slot) + Long.BYTES, word);
        set(slot, SAME);
    }

    /** The entry for the chain from block {@code first} that holds {@code length} (1 to 4096) bytes. */
    static long chain(int first, int length) {
        return (long) first << FIRST_SHIFT | (long) length << LENGTH_SHIFT | CHAIN;
    }

    static int kind(long entry) {
        return (int) entry & KIND_MASK;
    }

    static int length(long entry) {
        return (int) entry >>> LENGTH_SHIFT & LENGTH_MASK;
    }

    static int first(long entry) {
        return (int) (entry >>> FIRST_SHIFT);
    }

    private static long address(long slot) {
        return HEADER + slot * ENTRY;
    }
}
