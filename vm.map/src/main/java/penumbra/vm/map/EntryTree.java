// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.inspect.Violations;

/**
 * The entries of a space in ascending order: a list, and a treap over the same nodes in which every subtree knows its
 * largest gap. Finding an entry changes nothing but a hint, so that repeated faults in one mapping cost two
 * comparisons. Guarded by the space's lock.
 */
final class EntryTree {
    private final long min;
    private final long max;

    private @Nullable Entry root;
    private @Nullable Entry first;
    private @Nullable Entry last;
    private @Nullable Entry hint;
    private int count;
    /** State of the xorshift sequence that gives priorities; any value but 0 will do. */
    private int random = 0x9E3779B9;

    /** An empty tree over {@code [min, max)}. */
    EntryTree(long min, long max) {
        this.min = min;
        this.max = max;
    }

    @Nullable
    Entry first() {
        return first;
    }

    @Nullable
    Entry last() {
        return last;
    }

    int count() {
        return count;
    }

    /** The entry behind {@code entry}; the first for null. */
    @Nullable
    Entry after(@Nullable Entry entry) {
        return entry == null ? first : entry.next;
    }

    /** The last entry that starts at or before {@code address}. */
    @Nullable
    Entry floor(long address) {
        Entry near = hint;
        if (near != null && near.start <= address && (near.next == null || near.next.start > address)) {
            return near;
        }
        Entry found = null;
        Entry at = root;
        while (at != null) {
            if (at.start <= address) {
                found = at;
                at = at.right;
            } else {
                at = at.left;
            }
        }
        if (found != null) {
            hint = found;
        }
        return found;
    }

    /** The entry that contains {@code address}. */
    @Nullable
    Entry at(long address) {
        Entry found = floor(address);
        return found != null && address < found.end ? found : null;
    }

    /** The first entry that ends behind {@code address}. */
    @Nullable
    Entry from(long address) {
        Entry found = floor(address);
        return found != null && address < found.end ? found : after(found);
    }

    /** Puts {@code entry} behind {@code previous}, in front of all for null. */
    void link(@Nullable Entry previous, Entry entry) {
        Entry next = after(previous);
        entry.previous = previous;
        entry.next = next;
        if (previous == null) {
            first = entry;
        } else {
            previous.next = entry;
        }
        if (next == null) {
            last = entry;
        } else {
            next.previous = entry;
        }
        entry.left = null;
        entry.right = null;
        entry.priority = nextPriority();
        entry.gap = gapBehind(entry);
        root = insert(root, entry);
        count++;
        if (previous != null) {
            recomputeGap(previous);
        }
    }

    /** Takes {@code entry} out; its list links stay as they were, for a walk that goes on behind it. */
    void unlink(Entry entry) {
        Entry previous = entry.previous;
        Entry next = entry.next;
        root = remove(root, entry);
        if (previous == null) {
            first = next;
        } else {
            previous.next = next;
        }
        if (next == null) {
            last = previous;
        } else {
            next.previous = previous;
        }
        count--;
        if (hint == entry) {
            hint = previous;
        }
        if (previous != null) {
            recomputeGap(previous);
        }
    }

    /** Learns that {@code entry} starts or ends elsewhere now; its place in the order is the same. */
    void resized(Entry entry) {
        recomputeGap(entry);
        if (entry.previous != null) {
            recomputeGap(entry.previous);
        }
    }

    /** The first free range of {@code length} bytes from {@code start} on; -1 when there is none. */
    long findSpace(long start, long length) {
        long from = Math.max(start, min);
        if (length < 0 || from > max || max - from < length) {
            return -1;
        }
        Entry behind = floor(from);
        Entry ahead = after(behind);
        long free = behind == null ? from : Math.max(from, behind.end);
        if ((ahead == null ? max : ahead.start) - free >= length) {
            return free;
        }
        Entry found = ahead == null ? null : firstGap(root, ahead.start, length);
        return found == null ? -1 : found.end;
    }

    /** The first entry of the subtree that starts at {@code start} or behind and has a gap of {@code length}. */
    private static @Nullable Entry firstGap(@Nullable Entry subtree, long start, long length) {
        if (subtree == null || subtree.largestGap < length) {
            return null;
        }
        if (subtree.start < start) {
            return firstGap(subtree.right, start, length);
        }
        Entry found = firstGap(subtree.left, start, length);
        if (found != null) {
            return found;
        }
        return subtree.gap >= length ? subtree : firstGap(subtree.right, start, length);
    }

    private long gapBehind(Entry entry) {
        return (entry.next == null ? max : entry.next.start) - entry.end;
    }

    private void recomputeGap(Entry entry) {
        entry.gap = gapBehind(entry);
        refresh(root, entry);
    }

    /** Recomputes the largest gaps on the way from {@code subtree} down to {@code entry}. */
    private static void refresh(@Nullable Entry subtree, Entry entry) {
        if (subtree == null) {
            return;
        }
        if (subtree != entry) {
            refresh(entry.start < subtree.start ? subtree.left : subtree.right, entry);
        }
        update(subtree);
    }

    private static Entry insert(@Nullable Entry subtree, Entry entry) {
        if (subtree == null) {
            update(entry);
            return entry;
        }
        Entry top = subtree;
        if (entry.start < subtree.start) {
            Entry child = insert(subtree.left, entry);
            subtree.left = child;
            if (child.priority > subtree.priority) {
                subtree.left = child.right;
                child.right = subtree;
                top = child;
            }
        } else {
            Entry child = insert(subtree.right, entry);
            subtree.right = child;
            if (child.priority > subtree.priority) {
                subtree.right = child.left;
                child.left = subtree;
                top = child;
            }
        }
        update(subtree);
        update(top);
        return top;
    }

    private static @Nullable Entry remove(@Nullable Entry subtree, Entry entry) {
        if (subtree == null) {
            return null;
        }
        if (subtree == entry) {
            return merge(entry.left, entry.right);
        }
        if (entry.start < subtree.start) {
            subtree.left = remove(subtree.left, entry);
        } else {
            subtree.right = remove(subtree.right, entry);
        }
        update(subtree);
        return subtree;
    }

    private static @Nullable Entry merge(@Nullable Entry low, @Nullable Entry high) {
        if (low == null) {
            return high;
        }
        if (high == null) {
            return low;
        }
        if (low.priority > high.priority) {
            low.right = merge(low.right, high);
            update(low);
            return low;
        }
        high.left = merge(low, high.left);
        update(high);
        return high;
    }

    private static void update(Entry entry) {
        long largest = entry.gap;
        if (entry.left != null) {
            largest = Math.max(largest, entry.left.largestGap);
        }
        if (entry.right != null) {
            largest = Math.max(largest, entry.right.largestGap);
        }
        entry.largestGap = largest;
    }

    /** Reports what is not as a tree over the list should be. */
    void check(Violations violations) {
        int listed = 0;
        Entry previous = null;
        for (Entry entry = first; entry != null; entry = entry.next) {
            listed++;
            if (entry.previous != previous || floor(entry.start) != entry || entry.gap != gapBehind(entry)) {
                violations.report("%s: wrong links, place or gap %#x in the tree", entry, entry.gap);
            }
            previous = entry;
        }
        if (listed != count || last != previous || nodes(root, violations) != count) {
            violations.report("%d entries are listed, the tree counts %d", listed, count);
        }
    }

    private static int nodes(@Nullable Entry subtree, Violations violations) {
        if (subtree == null) {
            return 0;
        }
        int nodes = 1 + nodes(subtree.left, violations) + nodes(subtree.right, violations);
        long largest = subtree.largestGap;
        update(subtree);
        if (largest != subtree.largestGap) {
            violations.report("%s: largest gap %#x, should be %#x", subtree, largest, subtree.largestGap);
        }
        return nodes;
    }

    private int nextPriority() {
        int x = random;
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        random = x;
        return x;
    }
}
