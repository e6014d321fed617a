// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * The blocks of location maps that have pages in one store, so that what the store holds is found without looking at
 * what others hold. Changes only when a block gets its first page there or loses its last. Thread-safe.
 */
final class StoreBlocks {
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "blocks of a swap store");
    private @Nullable Share first;
    private @Nullable Share last;
    private int rounds;

    void add(Share share) {
        lock.lock();
        append(share);
        lock.unlock();
    }

    void remove(Share share) {
        lock.lock();
        unlink(share);
        lock.unlock();
    }

    /** Begins another round through all blocks; its number is for {@link #next}. */
    int begin() {
        lock.lock();
        int round = ++rounds;
        lock.unlock();
        return round;
    }

    /**
     * The next block of a round; null when it has met all that were there. Blocks that come meanwhile may wait for the
     * next round; so may others, if two rounds go on at a time.
     */
    @Nullable
    Share next(int round) {
        lock.lock();
        @Nullable Share next = first;
        if (next != null && next.round >= round) {
            next = null;
        }
        if (next != null) {
            next.round = round;
            unlink(next);
            append(next);
        }
        lock.unlock();
        return next;
    }

    /** Keeps other movers away from a block until {@link #release}; false when one is at it. */
    boolean claim(Share share) {
        lock.lock();
        boolean free = !share.claimed;
        share.claimed = true;
        lock.unlock();
        return free;
    }

    void release(Share share) {
        lock.lock();
        share.claimed = false;
        lock.unlock();
    }

    /** The blocks of this moment. */
    List<Share> snapshot() {
        List<Share> shares = new ArrayList<>();
        lock.lock();
        for (@Nullable Share share = first; share != null; share = share.following) {
            shares.add(share);
        }
        lock.unlock();
        return shares;
    }

    private void append(Share share) {
        share.previous = last;
        share.following = null;
        if (last == null) {
            first = share;
        } else {
            last.following = share;
        }
        last = share;
    }

    private void unlink(Share share) {
        if (share.previous == null) {
            first = share.following;
        } else {
            share.previous.following = share.following;
        }
        if (share.following == null) {
            last = share.previous;
        } else {
            share.following.previous = share.previous;
        }
    }
}
