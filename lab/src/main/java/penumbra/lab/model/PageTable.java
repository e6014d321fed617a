// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one process by page number: an open hash table without boxes. Knows which of them the process has
 * touched itself, as opposed to having inherited them.
 */
final class PageTable {
    /** Takes a page out of the table or leaves it. */
    interface Visitor {
        void page(long number, PageBytes page);
    }

    /** What a slot costs, in bytes: a number, a reference and a mark. */
    private static final int SLOT = Long.BYTES + Integer.BYTES + 1;

    private static final int SMALLEST = 16;
    private static final long SPREAD = 0x9e3779b97f4a7c15L;

    private long[] numbers;
    private @Nullable PageBytes[] pages;
    private boolean[] touched;
    private int size;

    PageTable() {
        numbers = new long[SMALLEST];
        pages = new PageBytes[SMALLEST];
        touched = new boolean[SMALLEST];
    }

    /** What a fork inherits: the same pages, all untouched. */
    PageTable inherited() {
        PageTable copy = new PageTable();
        copy.numbers = numbers.clone();
        copy.pages = pages.clone();
        copy.touched = new boolean[touched.length];
        copy.size = size;
        return copy;
    }

    /** What the table itself takes, in bytes. */
    long bytes() {
        return (long) numbers.length * SLOT;
    }

    @Nullable
    PageBytes get(long number) {
        return pages[slot(number)];
    }

    /** Adds or replaces a page. */
    void put(long number, PageBytes page) {
        if (size * 4 >= numbers.length * 3) {
            grow();
        }
        int slot = slot(number);
        if (pages[slot] == null) {
            size++;
            numbers[slot] = number;
            touched[slot] = false;
        }
        pages[slot] = page;
    }

    /** Marks a page that is there; true if this is the first time. */
    boolean touch(long number) {
        int slot = slot(number);
        boolean first = !touched[slot];
        touched[slot] = true;
        return first;
    }

    /** Gives a page another number, under which there is none. */
    void rename(long from, long to) {
        boolean wasTouched = touched[slot(from)];
        PageBytes page = remove(from);
        if (page != null) {
            put(to, page);
            touched[slot(to)] = wasTouched;
        }
    }

    /** Takes a page out and returns it, null if it is not there. */
    @Nullable
    PageBytes remove(long number) {
        int slot = slot(number);
        PageBytes removed = pages[slot];
        if (removed != null) {
            size--;
            pages[slot] = null;
            closeGap(slot);
        }
        return removed;
    }

    /** Visits the pages of a range; the visitor may replace or remove the page that it is given. */
    void visit(long first, long end, Visitor visitor) {
        if (end - first < size) {
            for (long number = first; number < end; number++) {
                PageBytes page = get(number);
                if (page != null) {
                    visitor.page(number, page);
                }
            }
            return;
        }
        long[] found = new long[size];
        int count = 0;
        for (int slot = 0; slot < numbers.length; slot++) {
            if (pages[slot] != null && numbers[slot] >= first && numbers[slot] < end) {
                found[count++] = numbers[slot];
            }
        }
        Arrays.sort(found, 0, count);
        for (int i = 0; i < count; i++) {
            PageBytes page = get(found[i]);
            if (page != null) {
                visitor.page(found[i], page);
            }
        }
    }

    private int slot(long number) {
        int mask = numbers.length - 1;
        int slot = home(number, mask);
        while (pages[slot] != null && numbers[slot] != number) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private static int home(long number, int mask) {
        return (int) (number * SPREAD >>> 32) & mask;
    }

    /** Moves later pages of a chain forward, so that no search ends too early. */
    private void closeGap(int gap) {
        int mask = numbers.length - 1;
        int empty = gap;
        for (int slot = empty + 1 & mask; pages[slot] != null; slot = slot + 1 & mask) {
            int home = home(numbers[slot], mask);
            if ((slot - home & mask) >= (slot - empty & mask)) {
                numbers[empty] = numbers[slot];
                pages[empty] = pages[slot];
                touched[empty] = touched[slot];
                pages[slot] = null;
                empty = slot;
            }
        }
    }

    private void grow() {
        long[] oldNumbers = numbers;
        @Nullable PageBytes[] oldPages = pages;
        boolean[] oldTouched = touched;
        int length = oldNumbers.length * 2;
        numbers = new long[length];
        pages = new PageBytes[length];
        touched = new boolean[length];
        for (int i = 0; i < oldNumbers.length; i++) {
            if (oldPages[i] != null) {
                int slot = slot(oldNumbers[i]);
                numbers[slot] = oldNumbers[i];
                pages[slot] = oldPages[i];
                touched[slot] = oldTouched[i];
            }
        }
    }
}
