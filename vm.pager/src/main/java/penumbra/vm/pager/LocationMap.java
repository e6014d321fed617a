// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.VmObject;

/**
 * Where the swapped pages of one object are: pindex to {@link Location} and {@link Stamp}, in blocks of 32.
 *
 * <p>A change needs the object's lock and takes the map's own; a look needs either of them. Nothing here blocks. The
 * cost of every operation follows what is swapped, never how many pages the object spans.
 */
final class LocationMap {
    /** No page ({@link #next}). */
    static final long NO_PAGE = -1;

    final VmObject object;

    private final KernelLock lock = new KernelLock(LockRank.LOCATION_MAP, "location map");
    private final Holdings holdings;
    private final BlockTrie blocks = new BlockTrie();
    private int blockCount;
    private long pageCount;

    /** Neighbours in the {@link MapList}, whose lock guards them. */
    @Nullable
    LocationMap previous;

    @Nullable
    LocationMap following;

    /** @param holdings where the stores' blocks are kept in step with this map */
    LocationMap(VmObject object, Holdings holdings) {
        this.object = object;
        this.holdings = holdings;
    }

    /** Sees the slots of entries that are gone. */
    @FunctionalInterface
    interface Freed {
        void slot(long location);
    }

    /** The lock for looks without the object's. */
    KernelLock lock() {
        return lock;
    }

    /** Where the page is; {@link Location#NONE} when nowhere. */
    long location(long pindex) {
        @Nullable MapBlock block = blocks.get(pindex >>> MapBlock.SHIFT);
        return block == null ? Location.NONE : block.location(slotIn(pindex));
    }

    /** The stamp of the page's entry; {@link Stamp#RESERVED} when it has none. */
    long stamp(long pindex) {
        @Nullable MapBlock block = blocks.get(pindex >>> MapBlock.SHIFT);
        return block == null ? Stamp.RESERVED : block.stamp(slotIn(pindex));
    }

    /** Where contents of the page can be read; {@link Location#NONE} also when the slot was only reserved. */
    long readable(long pindex) {
        @Nullable MapBlock block = blocks.get(pindex >>> MapBlock.SHIFT);
        if (block == null) {
            return Location.NONE;
        }
        int i = slotIn(pindex);
        return block.stamp(i) == Stamp.RESERVED ? Location.NONE : block.location(i);
    }

    /**
     * Enters a page and returns where it was before, {@link Location#NONE} if nowhere: that slot is the caller's to
     * free ({@code swp_pager_meta_build}).
     */
    long put(long pindex, long location, long stamp) {
        lock.lock();
        @Nullable MapBlock block = blocks.get(pindex >>> MapBlock.SHIFT);
        if (block == null) {
            block = new MapBlock(pindex >>> MapBlock.SHIFT);
            blocks.insert(block);
            blockCount++;
        }
        pageCount -= block.used;
        long old = set(block, slotIn(pindex), location, stamp);
        pageCount += block.used;
        lock.unlock();
        return old;
    }

    /** Takes a page out and returns where it was ({@code swp_pager_meta_ctl} with {@code SWM_POP}). */
    long remove(long pindex) {
        lock.lock();
        @Nullable MapBlock block = blocks.get(pindex >>> MapBlock.SHIFT);
        long old = block == null ? Location.NONE : removeFrom(block, slotIn(pindex));
        lock.unlock();
        return old;
    }

    /** Takes out the entries of {@code [start, end)} in ascending order ({@code swp_pager_meta_free}). */
    void removeRange(long start, long end, Freed freed) {
        lock.lock();
        @Nullable MapBlock block = blocks.ceiling(start >>> MapBlock.SHIFT);
        while (block != null && block.index << MapBlock.SHIFT < end) {
            long base = block.index << MapBlock.SHIFT;
            int last = (int) Math.min(MapBlock.PAGES, end - base);
            for (int i = (int) Math.max(0, start - base); i < last && block.used > 0; i++) {
                long location = block.location(i);
                if (location != Location.NONE) {
                    removeFrom(block, i);
                    freed.slot(location);
                }
            }
            block = blocks.ceiling(block.index + 1);
        }
        lock.unlock();
    }

    /** Takes out every entry ({@code swp_pager_meta_free_all}). */
    void removeAll(Freed freed) {
        removeRange(0, Long.MAX_VALUE, freed);
    }

    private long set(MapBlock block, int i, long location, long stamp) {
        long old = block.set(i, location, stamp);
        holdings.moved(this, block, Location.store(old), Location.store(location));
        return old;
    }

    private long removeFrom(MapBlock block, int i) {
        long old = set(block, i, Location.NONE, Stamp.RESERVED);
        if (old != Location.NONE) {
            pageCount--;
        }
        if (block.used == 0) {
            blocks.remove(block.index);
            blockCount--;
        }
        return old;
    }

    /** The first page from {@code from} on that has an entry; {@link #NO_PAGE} when there is none. */
    long next(long from) {
        return nextOn(0, from);
    }

    /**
     * The first page from {@code from} on that is in store number {@code store}, in any for 0; {@link #NO_PAGE} for
     * none.
     */
    long nextOn(int store, long from) {
        @Nullable MapBlock block = blocks.ceiling(from >>> MapBlock.SHIFT);
        while (block != null) {
            long base = block.index << MapBlock.SHIFT;
            for (int i = (int) Math.max(0, from - base); i < MapBlock.PAGES; i++) {
                long location = block.location(i);
                if (location != Location.NONE && (store == 0 || Location.store(location) == store)) {
                    return base + i;
                }
            }
            block = blocks.ceiling(block.index + 1);
        }
        return NO_PAGE;
    }

    /** How many blocks exist. */
    int blocks() {
        return blockCount;
    }

    /** How many pages have an entry. */
    long pages() {
        return pageCount;
    }

    private static int slotIn(long pindex) {
        return (int) pindex & MapBlock.PAGES - 1;
    }
}
