// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jspecify.annotations.Nullable;
import penumbra.kern.Apart;
import penumbra.kern.KernelPanic;

/**
 * A set of pages by pindex: a path-compressed trie of 16-way nodes whose leaves are the pages themselves
 * ({@code vm_radix}).
 *
 * <p>A node stands where pages first differ and has two children at least, so that a look-up visits no more nodes than
 * there are differing digits among the pages, and at most 16. Indexes are unsigned. Whoever owns the trie locks it.
 */
final class RadixTrie extends Apart {
    /** Bits of the index that one node looks at ({@code VM_RADIX_WIDTH} on 64-bit machines). */
    private static final int WIDTH = 4;

    private static final int FAN_OUT = 1 << WIDTH;
    private static final int DIGIT = FAN_OUT - 1;

    /** A {@link Node}, a {@link VmPage}, or null. */
    private @Nullable Object root;

    private long visited;

    /** A branch: all pages below agree in the index bits above {@link #shift}'s digit. */
    private static final class Node {
        /** The bits that the pages below agree in; the others are 0. */
        final long prefix;
        /** How far the index is shifted right to get this node's digit. */
        final int shift;
        /** A bit for each child that is there. */
        int present;

        final @Nullable Object[] children = new @Nullable Object[FAN_OUT];

        Node(long index, int shift) {
            this.shift = shift;
            this.prefix = index >>> shift >>> WIDTH << WIDTH << shift;
        }

        int digit(long index) {
            return (int) (index >>> shift) & DIGIT;
        }

        boolean covers(long index) {
            return ((index ^ prefix) >>> shift) >>> WIDTH == 0;
        }

        void put(int digit, Object child) {
            children[digit] = child;
            present |= 1 << digit;
        }

        void clear(int digit) {
            children[digit] = null;
            present &= ~(1 << digit);
        }
    }

    boolean isEmpty() {
        return root == null;
    }

    /** Whether exactly one page is in the trie. */
    boolean isSingleton() {
        return root instanceof VmPage;
    }

    /** Nodes and leaves that operations have looked at so far. */
    long visited() {
        return visited;
    }

    /** The page at {@code index}. */
    @Nullable
    VmPage lookup(long index) {
        @Nullable Object at = root;
        int steps = 1;
        while (at instanceof Node node) {
            at = node.children[node.digit(index)];
            steps++;
        }
        visited += steps;
        return at instanceof VmPage page && page.pindex == index ? page : null;
    }

    /** The page with the least index of at least {@code index}. */
    @Nullable
    VmPage lookupGe(long index) {
        @Nullable Object at = root;
        @Nullable Object greater = null;
        int steps = 1;
        while (at instanceof Node node) {
            if (!node.covers(index)) {
                boolean allGreater = Long.compareUnsigned(node.prefix, index) > 0;
                visited += steps;
                return leftmost(allGreater ? node : greater);
            }
            int digit = node.digit(index);
            int above = node.present >>> digit >>> 1;
            if (above != 0) {
                greater = node.children[digit + 1 + Integer.numberOfTrailingZeros(above)];
            }
            at = node.children[digit];
            steps++;
        }
        visited += steps;
        if (at instanceof VmPage page && Long.compareUnsigned(page.pindex, index) >= 0) {
            return page;
        }
        return leftmost(greater);
    }

    /** The page with the greatest index of at most {@code index}. */
    @Nullable
    VmPage lookupLe(long index) {
        @Nullable Object at = root;
        @Nullable Object smaller = null;
        int steps = 1;
        while (at instanceof Node node) {
            if (!node.covers(index)) {
                boolean allSmaller = Long.compareUnsigned(node.prefix, index) < 0;
                visited += steps;
                return rightmost(allSmaller ? node : smaller);
            }
            int digit = node.digit(index);
            int below = node.present & (1 << digit) - 1;
            if (below != 0) {
                smaller = node.children[31 - Integer.numberOfLeadingZeros(below)];
            }
            at = node.children[digit];
            steps++;
        }
        visited += steps;
        if (at instanceof VmPage page && Long.compareUnsigned(page.pindex, index) <= 0) {
            return page;
        }
        return rightmost(smaller);
    }

    private @Nullable VmPage leftmost(@Nullable Object from) {
        @Nullable Object at = from;
        while (at instanceof Node node) {
            at = node.children[Integer.numberOfTrailingZeros(node.present)];
            visited++;
        }
        return (VmPage) at;
    }

    private @Nullable VmPage rightmost(@Nullable Object from) {
        @Nullable Object at = from;
        while (at instanceof Node node) {
            at = node.children[31 - Integer.numberOfLeadingZeros(node.present)];
            visited++;
        }
        return (VmPage) at;
    }

    /** Adds {@code page} at its pindex, where no page may be. */
    void insert(VmPage page) {
        long index = page.pindex;
        @Nullable Node parent = null;
        @Nullable Object at = root;
        int steps = 1;
        while (at instanceof Node node && node.covers(index)) {
            parent = node;
            at = node.children[node.digit(index)];
            steps++;
        }
        visited += steps;
        replace(parent, index, at == null ? page : branch(at, page));
    }

    /** A node above {@code other} and {@code page}, where their indexes first differ. */
    private static Node branch(Object other, VmPage page) {
        long index = page.pindex;
        long otherIndex = other instanceof Node node ? node.prefix : ((VmPage) other).pindex;
        if (otherIndex == index && other instanceof VmPage) {
            throw new KernelPanic("vm_radix_insert: key %d is already present: %s", index, other);
        }
        int shift = 63 - Long.numberOfLeadingZeros(index ^ otherIndex) & -WIDTH;
        Node node = new Node(index, shift);
        node.put(node.digit(index), page);
        node.put(node.digit(otherIndex), other);
        return node;
    }

    /** Takes the page at {@code index} out and returns it; panics when there is none. */
    VmPage remove(long index) {
        @Nullable Node grandparent = null;
        @Nullable Node parent = null;
        @Nullable Object at = root;
        int steps = 1;
        while (at instanceof Node node) {
            grandparent = parent;
            parent = node;
            at = node.children[node.digit(index)];
            steps++;
        }
        visited += steps;
        if (!(at instanceof VmPage page) || page.pindex != index) {
            throw new KernelPanic("vm_radix_remove: impossible to locate the key %d", index);
        }
        if (parent == null) {
            root = null;
            return page;
        }
        parent.clear(parent.digit(index));
        if (Integer.bitCount(parent.present) == 1) {
            @Nullable Object rest = parent.children[Integer.numberOfTrailingZeros(parent.present)];
            replace(grandparent, index, rest);
        }
        return page;
    }

    private void replace(@Nullable Node parent, long index, @Nullable Object child) {
        if (parent == null) {
            root = child;
        } else if (child != null) {
            parent.put(parent.digit(index), child);
        }
    }

    /** Forgets every page without visiting any ({@code vm_radix_reclaim_allnodes}). */
    void clear() {
        root = null;
    }
}
