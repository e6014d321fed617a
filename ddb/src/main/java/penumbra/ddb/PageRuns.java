// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.page.Page;
import penumbra.page.ResidentPages;

/** The resident pages of an object in runs: adjacent pages in adjacent frames. The object's lock is held. */
final class PageRuns {
    private PageRuns() {}

    /** Sees runs. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Sees one run.
         *
         * @param pindex its first page
         * @param count how many pages
         * @param address where the first one lies in physical memory
         * @return whether to go on
         */
        boolean run(long pindex, int count, long address);
    }

    /** Shows the runs from page {@code start} on; returns false when {@code visitor} had seen enough before the end. */
    static boolean forEach(ResidentPages pages, long start, Visitor visitor) {
        @Nullable Page first = pages.findLeast(start);
        while (first != null) {
            int count = 1;
            @Nullable Page next = pages.after(first);
            while (next != null && continues(first, count, next)) {
                count++;
                next = pages.after(next);
            }
            if (!visitor.run(first.pindex(), count, first.physicalAddress())) {
                return false;
            }
            first = next;
        }
        return true;
    }

    private static boolean continues(Page first, int count, Page next) {
        return next.pindex() == first.pindex() + count
                && next.physicalAddress() == first.physicalAddress() + PageSize.bytes(count);
    }
}
