// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One passage through all that a store holds, cluster by cluster, in rounds; its cost follows what the store holds.
 * Where the pages go is asked for each cluster, so it follows every change of the stores. Several may go on at a time,
 * each on a thread of its own.
 */
final class Mover {
    private final MovingParts parts;
    private final StoreTable stores;
    private final StoreEntry source;
    private final boolean toMemory;
    private final StoreBlocks blocks;

    private int round;
    private @Nullable Share share;
    private long next;
    private long end;

    private long moved;
    private long putOff;
    private long noRoom;

    /** @param toMemory whether pages that no store takes are brought to memory while there is enough of it */
    Mover(MovingParts parts, StoreTable stores, StoreEntry source, boolean toMemory) {
        this.parts = parts;
        this.stores = stores;
        this.source = source;
        this.toMemory = toMemory;
        this.blocks = parts.maps().list().holdings().of(source.number);
        beginRound();
    }

    /** Begins another round; what was counted of the last one is forgotten. */
    void beginRound() {
        round = blocks.begin();
        share = null;
        moved = 0;
        putOff = 0;
        noRoom = 0;
    }

    /** Pages that were moved in this round. */
    long moved() {
        return moved;
    }

    /** Pages and blocks of this round that somebody else was at. */
    long putOff() {
        return putOff;
    }

    /** Pages of this round that no store had room for. */
    long noRoom() {
        return noRoom;
    }

    /** Moves one cluster; returns false when the round is over. No lock is held. May block for I/O. */
    boolean step() {
        boolean any = false;
        while (!any && (share != null || nextBlock())) {
            any = move(Objects.requireNonNull(share));
        }
        return any;
    }

    private boolean nextBlock() {
        share = blocks.next(round);
        if (share == null) {
            return false;
        }
        parts.figures().visited.increment();
        next = share.firstPage();
        end = next + MapBlock.PAGES;
        return true;
    }

    /** Moves a cluster of the block at hand; returns whether there was any. */
    private boolean move(Share at) {
        if (!blocks.claim(at)) {
            // Another mover of the store is at it.
            putOff++;
            share = null;
            return false;
        }
        boolean any = stores.stay(source, 0) && moveCluster(at);
        blocks.release(at);
        if (!any || next >= end) {
            share = null;
        }
        return any;
    }

    private boolean moveCluster(Share at) {
        Transfer transfer = parts.transfers().beginMove(at.map.object);
        Cluster cluster = new Cluster(parts, source, at.map, transfer, toMemory);
        next = cluster.move(next, end);
        boolean any = transfer.count() > 0;
        parts.transfers().endMove(transfer);
        stores.moved(source, cluster.moved());
        stores.leave(source);
        parts.figures().moved.add(cluster.moved());
        moved += cluster.moved();
        putOff += cluster.putOff();
        noRoom += cluster.noRoom();
        return any;
    }
}
