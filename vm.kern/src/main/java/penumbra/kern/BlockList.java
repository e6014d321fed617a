// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.Arrays;

/**
 * The free blocks of a device: a radix tree of bitmaps (FreeBSD's {@code subr_blist.c}). A leaf covers 32 blocks, an
 * inner node 16 nodes of the level below; each node knows a bound on its longest free run, so an allocation finds the
 * first leaf in address order that fits without looking at full ones. A run never crosses a leaf. Not thread-safe.
 */
public final class BlockList {
    /** No such run. */
    public static final long NONE = -1;

    /** Blocks in a leaf, and in the longest run ({@code BLIST_BMAP_RADIX}, {@code BLIST_MAX_ALLOC}). */
    public static final int LEAF = 32;

    /** {@code BLIST_META_RADIX}, as a shift. */
    private static final int META_SHIFT = 4;

    private static final int META = 1 << META_SHIFT;

    private final long blocks;

    /** One bit a block, set when it is free; one word a leaf. */
    private final int[] leaves;

    /**
     * By level, from the leaves up: no run in the node is longer than this. A failed search lowers it, a free raises it
     * again to all that a leaf could have.
     */
    private final byte[][] hints;

    private long free;

    /** A list of {@code blocks} (at least 1) blocks, all of them allocated ({@code blist_create}). */
    public BlockList(long blocks) {
        this.blocks = blocks;
        int count = Math.toIntExact((blocks + LEAF - 1) / LEAF);
        leaves = new int[count];
        int levels = 1;
        for (int n = count; n > 1; n = parents(n)) {
            levels++;
        }
        hints = new byte[levels][];
        for (int level = 0; level < levels; level++) {
            hints[level] = new byte[count];
            count = parents(count);
        }
    }

    private static int parents(int nodes) {
        return (nodes + META - 1) >>> META_SHIFT;
    }

    /** How many blocks there are, free or not. */
    public long blocks() {
        return blocks;
    }

    /** How many blocks are free. */
    public long free() {
        return free;
    }

    /** Whether the block is free. */
    public boolean isFree(long block) {
        return (leaves[(int) (block / LEAF)] >>> (block % LEAF) & 1) != 0;
    }

    /**
     * Takes the first run of {@code count} (1 to 32) blocks in address order; {@link #NONE} when there is none
     * ({@code blist_alloc}).
     */
    public long allocate(int count) {
        if (count < 1 || count > LEAF) {
            throw new IllegalArgumentException(count + " blocks: a run has 1 to " + LEAF);
        }
        return allocate(hints.length - 1, 0, count);
    }

    private long allocate(int level, int node, int count) {
        if (hints[level][node] < count) {
            return NONE;
        }
        long block = NONE;
        if (level == 0) {
            block = allocateInLeaf(node, count);
        } else {
            int end = Math.min((node + 1) << META_SHIFT, hints[level - 1].length);
            for (int child = node << META_SHIFT; child < end && block == NONE; child++) {
                block = allocate(level - 1, child, count);
            }
        }
        if (block == NONE) {
            hints[level][node] = (byte) (count - 1);
        }
        return block;
    }

    private long allocateInLeaf(int leaf, int count) {
        int bits = leaves[leaf];
        int starts = bits;
        for (int i = 1; i < count; i++) {
            starts &= bits >>> i;
        }
        if (starts == 0) {
            return NONE;
        }
        int at = Integer.numberOfTrailingZeros(starts);
        leaves[leaf] = bits & ~mask(at, count);
        free -= count;
        return (long) leaf * LEAF + at;
    }

    /** Gives {@code count} blocks from {@code first} on back, none of which may be free ({@code blist_free}). */
    public void free(long first, long count) {
        forLeaves(first, count, (leaf, mask) -> {
            if ((leaves[leaf] & mask) != 0) {
                throw new IllegalStateException(
                        "block " + ((long) leaf * LEAF + firstBit(leaves[leaf] & mask)) + " is freed twice");
            }
            leaves[leaf] |= mask;
            free += Integer.bitCount(mask);
            raiseHints(leaf);
        });
    }

    /**
     * Takes {@code count} blocks from {@code first} on, those of them that are free; returns how many were
     * ({@code blist_fill}).
     */
    public long fill(long first, long count) {
        long before = free;
        forLeaves(first, count, (leaf, mask) -> {
            free -= Integer.bitCount(leaves[leaf] & mask);
            leaves[leaf] &= ~mask;
        });
        return before - free;
    }

    private void raiseHints(int leaf) {
        int node = leaf;
        for (byte[] level : hints) {
            if (level[node] == LEAF) {
                return;
            }
            level[node] = LEAF;
            node >>>= META_SHIFT;
        }
    }

    @FunctionalInterface
    private interface LeafPart {
        void with(int leaf, int mask);
    }

    private void forLeaves(long first, long count, LeafPart part) {
        if (first < 0 || count < 0 || first + count > blocks) {
            throw new IllegalArgumentException(
                    "blocks " + first + " to " + (first + count - 1) + " of 0 to " + (blocks - 1));
        }
        long end = first + count;
        for (long at = first; at < end; ) {
            int bit = (int) (at % LEAF);
            int n = (int) Math.min(LEAF - bit, end - at);
            part.with((int) (at / LEAF), mask(bit, n));
            at += n;
        }
    }

    private static int firstBit(int bits) {
        return Integer.numberOfTrailingZeros(bits);
    }

    private static int mask(int from, int count) {
        return (count == LEAF ? -1 : (1 << count) - 1) << from;
    }

    @Override
    public String toString() {
        return "BlockList of " + blocks + ", " + free + " free, " + Arrays.toString(hints[hints.length - 1]);
    }
}
