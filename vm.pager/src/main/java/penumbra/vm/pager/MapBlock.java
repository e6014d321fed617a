// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.pager.SwapSpace;

/**
 * Where 32 adjacent pages are swapped to: one block of a {@link LocationMap} (FreeBSD's {@code swblock}).
 *
 * <p>An entry is two longs: a {@link Location} and a {@link Stamp}, side by side so that both share a cache line.
 */
final class MapBlock {
    /** Pages in a block. */
    static final int PAGES = SwapSpace.BLOCK_PAGES;

    /** {@code pindex >>> SHIFT} is the index of the block. */
    static final int SHIFT = Integer.numberOfTrailingZeros(PAGES);

    /** The index of this block in its map. */
    final long index;

    /** How many pages have an entry. */
    int used;

    /** What it has in each store, one after the other; seldom more than one. */
    @Nullable
    Share shares;

    private final long[] entries = new long[2 * PAGES];

    MapBlock(long index) {
        this.index = index;
    }

    long location(int i) {
        return entries[2 * i];
    }

    long stamp(int i) {
        return entries[2 * i + 1];
    }

    /** Replaces an entry and returns the location that it had. */
    long set(int i, long location, long stamp) {
        long old = entries[2 * i];
        used += (location == Location.NONE ? 0 : 1) - (old == Location.NONE ? 0 : 1);
        entries[2 * i] = location;
        entries[2 * i + 1] = stamp;
        return old;
    }

    /** What it has in store number {@code store}; null for nothing. */
    @Nullable
    Share share(int store) {
        @Nullable Share share = shares;
        while (share != null && share.store != store) {
            share = share.nextInBlock;
        }
        return share;
    }

    /** Takes out one of {@link #shares}. */
    void forget(Share gone) {
        if (shares == gone) {
            shares = gone.nextInBlock;
            return;
        }
        for (@Nullable Share share = shares; share != null; share = share.nextInBlock) {
            if (share.nextInBlock == gone) {
                share.nextInBlock = gone.nextInBlock;
            }
        }
    }
}
