// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Which blocks of location maps have pages in which store, by the store's number. Thread-safe. */
final class Holdings {
    private volatile @Nullable StoreBlocks[] stores = new @Nullable StoreBlocks[2];

    /** The blocks of store number {@code store}. */
    StoreBlocks of(int store) {
        @Nullable StoreBlocks[] now = stores;
        @Nullable StoreBlocks blocks = store < now.length ? now[store] : null;
        return blocks != null ? blocks : make(store);
    }

    private synchronized StoreBlocks make(int store) {
        @Nullable StoreBlocks[] now = stores;
        @Nullable StoreBlocks there = store < now.length ? now[store] : null;
        if (there != null) {
            return there;
        }
        StoreBlocks blocks = new StoreBlocks();
        @Nullable StoreBlocks[] grown = Arrays.copyOf(now, Math.max(now.length, store + 1));
        grown[store] = blocks;
        stores = grown;
        return blocks;
    }

    /** A page of {@code block} went from one store to another, 0 for none. The map's lock is held. */
    void moved(LocationMap map, MapBlock block, int from, int to) {
        if (from == to) {
            return;
        }
        if (to != 0) {
            @Nullable Share share = block.share(to);
            if (share == null) {
                share = new Share(map, block, to);
                share.nextInBlock = block.shares;
                block.shares = share;
                of(to).add(share);
            }
            share.pages++;
        }
        if (from != 0) {
            Share share = java.util.Objects.requireNonNull(block.share(from));
            if (--share.pages == 0) {
                block.forget(share);
                of(from).remove(share);
            }
        }
    }
}
