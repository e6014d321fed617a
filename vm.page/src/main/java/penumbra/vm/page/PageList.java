// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.page.PageFlags;

/**
 * A doubly linked list of pages through their queue links: a page is on one such list at most, a paging queue while it
 * is in use, a list of free blocks while it is free. Whoever owns the list locks it.
 */
final class PageList {
    private @Nullable VmPage first;
    private @Nullable VmPage last;

    @Nullable
    VmPage first() {
        return first;
    }

    @Nullable
    VmPage last() {
        return last;
    }

    void addFirst(VmPage page) {
        VmPage next = first;
        page.queuePrevious = null;
        page.queueNext = next;
        if (next == null) {
            last = page;
        } else {
            next.queuePrevious = page;
        }
        first = page;
    }

    void addLast(VmPage page) {
        VmPage previous = last;
        page.queueNext = null;
        page.queuePrevious = previous;
        if (previous == null) {
            first = page;
        } else {
            previous.queueNext = page;
        }
        last = page;
    }

    /** Moves all pages of {@code other} behind the last one of this list. */
    void appendAll(PageList other) {
        VmPage start = other.first;
        if (start == null) {
            return;
        }
        VmPage previous = last;
        if (previous == null) {
            first = start;
        } else {
            previous.queueNext = start;
        }
        start.queuePrevious = previous;
        last = other.last;
        other.first = null;
        other.last = null;
    }

    /** The pages in their order, without cursors. */
    List<VmPage> toList() {
        List<VmPage> all = new ArrayList<>();
        for (VmPage page = first; page != null; page = page.queueNext) {
            if (!page.has(PageFlags.MARKER)) {
                all.add(page);
            }
        }
        return all;
    }

    void insertAfter(VmPage place, VmPage page) {
        VmPage next = place.queueNext;
        if (next == null) {
            addLast(page);
            return;
        }
        page.queuePrevious = place;
        page.queueNext = next;
        place.queueNext = page;
        next.queuePrevious = page;
    }

    void remove(VmPage page) {
        VmPage previous = page.queuePrevious;
        VmPage next = page.queueNext;
        if (previous == null) {
            first = next;
        } else {
            previous.queueNext = next;
        }
        if (next == null) {
            last = previous;
        } else {
            next.queuePrevious = previous;
        }
        page.queuePrevious = null;
        page.queueNext = null;
    }
}
