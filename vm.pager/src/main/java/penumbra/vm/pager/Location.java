// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

/**
 * A slot of a store as a {@code long}: 15 bits of store number, from 1, and 48 bits of slot. Adjacent slots of a store
 * are adjacent locations.
 */
final class Location {
    /** No slot ({@code SWAPBLK_NONE}). */
    static final long NONE = 0;

    /** How many stores can be told apart. */
    static final int MAX_STORE = (1 << 15) - 1;

    private static final int SLOT_BITS = 48;
    private static final long SLOT_MASK = (1L << SLOT_BITS) - 1;

    private Location() {}

    static long of(int store, long slot) {
        return (long) store << SLOT_BITS | slot;
    }

    static int store(long location) {
        return (int) (location >>> SLOT_BITS);
    }

    static long slot(long location) {
        return location & SLOT_MASK;
    }
}
