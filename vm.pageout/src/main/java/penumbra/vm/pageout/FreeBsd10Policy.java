// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.PagingQueue;
import penumbra.policy.PagePolicy;
import penumbra.policy.PageoutPass;

/**
 * FreeBSD 10.0's replacement policy: an active queue aged by use counts, and an inactive queue from which clean pages
 * are cached and dirty ones laundered at their second turn.
 */
@Component(property = "service.ranking:Integer=100")
public final class FreeBsd10Policy implements PagePolicy {
    /** The name of this policy. */
    public static final String NAME = "freebsd10";

    /** How much a use raises a page's act count, besides the references seen ({@code ACT_ADVANCE}). */
    private static final int ADVANCE = 3;

    /** How much an idle round lowers it ({@code ACT_DECLINE}). */
    private static final int DECLINE = 1;

    /** Where it ends ({@code ACT_MAX}). */
    private static final int MAX = 64;

    /** Dirty pages laundered a pass, so that disks are not swamped ({@code vm.max_launder}). */
    private static final int MAX_LAUNDER = 32;

    /** The same when the last pass did not help. */
    private static final int MAX_LAUNDER_HARD = 10_000;

    /** Seconds in which idle passes, one a second, visit every active page ({@code vm.pageout_update_period}). */
    private static final int UPDATE_PERIOD = 600;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void scan(PageoutPass pass) {
        int stuck = new InactiveScan(pass).run();
        scanActive(pass, stuck);
    }

    private static void scanActive(PageoutPass pass, int stuck) {
        int left = pass.active().length();
        int wanted = pass.limits().inactiveTarget()
                - pass.counts().inactive()
                + pass.limits().freeTarget()
                - pass.counts().available()
                + pass.deficit()
                + stuck;
        if (pass.number() == 0) {
            left /= UPDATE_PERIOD;
            wanted = left;
        }
        try (PagingQueue.Cursor cursor = pass.active().scan()) {
            @Nullable Page page;
            while (left-- > 0 && wanted > 0 && (page = cursor.next()) != null) {
                if (pass.tryOwn(cursor, page)) {
                    if (age(pass, page)) {
                        wanted--;
                    }
                    pass.disown(page);
                }
            }
        }
    }

    /** Adjusts the act count by what was seen; returns whether the page went to the inactive queue. */
    private static boolean age(PageoutPass pass, Page page) {
        int references = pass.takeReferences(page);
        if (references > 0) {
            page.setActCount(Math.min(page.actCount() + ADVANCE + references, MAX));
        } else {
            page.setActCount(Math.max(page.actCount() - DECLINE, 0));
            if (page.actCount() == 0) {
                page.deactivate();
                return true;
            }
        }
        page.requeue();
        return false;
    }

    /** One walk over the inactive queue, and what it still wants. */
    private static final class InactiveScan {
        private final PageoutPass pass;
        private int shortage;
        private int launderLeft;
        private int stuck;

        InactiveScan(PageoutPass pass) {
            this.pass = pass;
            this.shortage = pass.shortage();
            this.launderLeft = pass.number() > 1 ? MAX_LAUNDER_HARD : MAX_LAUNDER;
        }

        /** Returns how many pages were stuck: busy or held for the moment. */
        int run() {
            int left = pass.inactive().length();
            try (PagingQueue.Cursor cursor = pass.inactive().scan()) {
                @Nullable Page page;
                while (left-- > 0 && shortage > 0 && (page = cursor.next()) != null) {
                    if (pass.tryOwn(cursor, page) && consider(page)) {
                        pass.disown(page);
                    }
                }
            }
            return stuck;
        }

        /** Decides on an owned page; returns whether it is still owned. */
        private boolean consider(Page page) {
            if (page.busied()) {
                // It stays at the front: most likely it is being written and will be clean soon.
                stuck++;
                return true;
            }
            int references = pass.takeReferences(page);
            if (references > 0) {
                if (pass.referenced(page)) {
                    page.activate();
                    page.setActCount(page.actCount() + references + ADVANCE);
                } else {
                    page.requeue();
                }
                return true;
            }
            if (page.holdCount() > 0) {
                stuck++;
                return true;
            }
            page.testDirty();
            if (page.dirty() == 0 && pass.referenced(page)) {
                pass.removeMappings(page);
            }
            if (page.valid() == 0) {
                pass.free(page);
                shortage--;
            } else if (page.dirty() == 0) {
                pass.cache(page);
                shortage--;
            } else if ((page.flags() & PageFlags.WINATCFLS) == 0 && pass.number() < 2) {
                page.setFlags(PageFlags.WINATCFLS);
                page.requeue();
            } else if (launderLeft > 0) {
                if (pass.launder(page) > 0) {
                    shortage--;
                    launderLeft--;
                }
                return false;
            }
            return true;
        }
    }
}
