// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One passage through all that a store holds, cluster by cluster, in rounds; its cost follows what the store holds. Where the
 * pages go is asked for each cluster, so it follows every change of the stores. One thread at a time uses it.
 */
final class Mover {
    private final MovingParts parts;
    private final StoreTable stores;
    private final StoreEntry source;
    private final boolean toMemory;
    private final StoreBlocks blocks;
    private final Set<Long> unreadable = new HashSet<>();

    private int round;
    private @Nullable LocationMap map;
    private long next;
    private long end;

    /** The object whose pages somebody waited for; it has the rest of the round for itself. */
    private @Nullable LocationMap spared;

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
        map = null;
        spared = null;
        moved = 0;
        putOff = 0;
        noRoom = 0;
    }

    /** Pages that were moved in this round. */
    long moved() {
        return moved;
    }

    /** Pages of this round that somebody else used, or that there was no memory for. */
    long putOff() {
        return putOff;
    }

    /** Pages of this round that no store had room for. */
    long noRoom() {
        return noRoom;
    }

    /** Pages that cannot be read. */
    int unreadable() {
        return unreadable.size();
    }

    /** Moves one cluster; returns false when the round is over. No lock is held. May block for I/O. */
    boolean step() {
        while (true) {
            @Nullable LocationMap at = map == null ? nextBlock() : map;
            if (at == null) {
                return false;
            }
            map = at;
            if (move(at)) {
                return true;
            }
        }
    }

    private @Nullable LocationMap nextBlock() {
        @Nullable Share share = blocks.next(round);
        while (share != null && share.map == spared) {
            putOff++;
            share = blocks.next(round);
        }
        if (share == null) {
            return null;
        }
        parts.figures().visited.increment();
        next = share.firstPage();
        end = next + MapBlock.PAGES;
        return share.map;
    }

    /** Moves a cluster of the block at hand; returns whether there was any. */
    private boolean move(LocationMap at) {
        if (!stores.stay(source, 0)) {
            map = null;
            return false;
        }
        Transfer transfer = parts.transfers().beginMove(at.object);
        Cluster cluster = new Cluster(parts, source, at, transfer, toMemory, unreadable);
        next = cluster.move(next, end);
        boolean any = transfer.count() > 0;
        parts.transfers().endMove(transfer);
        stores.moved(source, cluster.moved());
        stores.leave(source);
        parts.figures().moved.add(cluster.moved());
        moved += cluster.moved();
        putOff += cluster.putOff();
        noRoom += cluster.noRoom();
        if (cluster.waitedFor()) {
            spared = at;
        }
        if (next >= end || cluster.waitedFor()) {
            map = null;
        }
        return any;
    }
}
