// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;

/** The pages of one block of a location map that are in one store: a member of that store's {@link StoreBlocks}. */
final class Share {
    final LocationMap map;
    final MapBlock block;
    final int store;

    /** How many pages, more than 0 while linked; the map's lock guards it. */
    int pages;

    /** The next share of the same block; the map's lock guards it. */
    @Nullable
    Share nextInBlock;

    @Nullable
    Share previous;

    @Nullable
    Share following;

    /** The last round that met this share. */
    int round;

    /** Whether a mover is at it; the lock of the {@link StoreBlocks} guards it. */
    boolean claimed;

    Share(LocationMap map, MapBlock block, int store) {
        this.map = map;
        this.block = block;
        this.store = store;
    }

    /** The first page that the block covers. */
    long firstPage() {
        return block.index << MapBlock.SHIFT;
    }
}
