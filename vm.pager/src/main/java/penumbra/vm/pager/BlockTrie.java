// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;

/**
 * The blocks of one {@link LocationMap}, by index: a radix trie of 16-way nodes that is as high as its greatest index
 * needs. Every operation visits one path, whatever the size of the object. Not thread-safe.
 */
final class BlockTrie {
    private static final int BITS = 4;
    private static final int FAN_OUT = 1 << BITS;

    /** A {@link Node}; at height 0, the block of index 0. */
    private @Nullable Object root;

    /** Levels of nodes above the blocks: indexes below {@code 16^height} fit. */
    private int height;

    private static final class Node {
        final @Nullable Object[] children = new @Nullable Object[FAN_OUT];
        int count;
    }

    @Nullable
    MapBlock get(long index) {
        if (!fits(index)) {
            return null;
        }
        @Nullable Object at = root;
        for (int shift = BITS * (height - 1); shift >= 0 && at != null; shift -= BITS) {
            at = ((Node) at).children[child(index, shift)];
        }
        return (MapBlock) at;
    }

    /** Adds a block; there must be none of its index. */
    void insert(MapBlock block) {
        while (!fits(block.index)) {
            if (root != null) {
                Node above = new Node();
                above.children[0] = root;
                above.count = 1;
                root = above;
            }
            height++;
        }
        root = insert(root, BITS * (height - 1), block);
    }

    private static Object insert(@Nullable Object at, int shift, MapBlock block) {
        if (shift < 0) {
            return block;
        }
        Node node = at == null ? new Node() : (Node) at;
        int i = child(block.index, shift);
        if (node.children[i] == null) {
            node.count++;
        }
        node.children[i] = insert(node.children[i], shift - BITS, block);
        return node;
    }

    /** Takes out the block of {@code index}, which must be there. */
    void remove(long index) {
        root = remove(root, BITS * (height - 1), index);
        if (root == null) {
            height = 0;
        }
    }

    private static @Nullable Object remove(@Nullable Object at, int shift, long index) {
        if (shift < 0) {
            return null;
        }
        Node node = (Node) java.util.Objects.requireNonNull(at);
        int i = child(index, shift);
        @Nullable Object rest = remove(node.children[i], shift - BITS, index);
        node.children[i] = rest;
        if (rest == null && --node.count == 0) {
            return null;
        }
        return node;
    }

    /** The block with the least index of at least {@code index}; null when there is none. */
    @Nullable
    MapBlock ceiling(long index) {
        return fits(index) ? ceiling(root, BITS * (height - 1), index) : null;
    }

    private static @Nullable MapBlock ceiling(@Nullable Object at, int shift, long index) {
        if (at == null || shift < 0) {
            return (MapBlock) at;
        }
        Node node = (Node) at;
        int first = child(index, shift);
        @Nullable MapBlock found = ceiling(node.children[first], shift - BITS, index);
        for (int i = first + 1; found == null && i < FAN_OUT; i++) {
            found = ceiling(node.children[i], shift - BITS, 0);
        }
        return found;
    }

    void clear() {
        root = null;
        height = 0;
    }

    private boolean fits(long index) {
        return index >>> (BITS * height) == 0;
    }

    private static int child(long index, int shift) {
        return (int) (index >>> shift) & (FAN_OUT - 1);
    }
}
