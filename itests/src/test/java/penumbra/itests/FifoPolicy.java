// SPDX-License-Identifier: BSD-2-Clause
package penumbra.itests;

import org.jspecify.annotations.Nullable;
import penumbra.page.Page;
import penumbra.page.PagingQueue;
import penumbra.policy.PagePolicy;
import penumbra.policy.PageoutPass;

/** A user's replacement policy: whatever came first goes first, used or not. */
final class FifoPolicy implements PagePolicy {
    static final String NAME = "fifo";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void scan(PageoutPass pass) {
        int shortage = pass.shortage();
        int left = pass.inactive().length();
        try (PagingQueue.Cursor cursor = pass.inactive().scan()) {
            @Nullable Page page;
            while (left-- > 0 && shortage > 0 && (page = cursor.next()) != null) {
                if (pass.tryOwn(cursor, page)) {
                    shortage -= reclaim(pass, page);
                }
            }
        }
        int wanted = pass.limits().inactiveTarget() - pass.counts().inactive() + shortage;
        left = pass.active().length();
        try (PagingQueue.Cursor cursor = pass.active().scan()) {
            @Nullable Page page;
            while (left-- > 0 && wanted > 0 && (page = cursor.next()) != null) {
                if (pass.tryOwn(cursor, page)) {
                    page.deactivate();
                    wanted--;
                    pass.disown(page);
                }
            }
        }
    }

    /** Takes an owned page if nobody holds it just now, and disowns it; returns how many were gained. */
    private static int reclaim(PageoutPass pass, Page page) {
        if (page.busied() || page.holdCount() > 0) {
            pass.disown(page);
            return 0;
        }
        page.testDirty();
        if (page.dirty() == 0 && pass.referenced(page)) {
            pass.removeMappings(page);
        }
        if (page.dirty() != 0) {
            return pass.launder(page);
        }
        if (page.valid() == 0) {
            pass.free(page);
        } else {
            pass.cache(page);
        }
        pass.disown(page);
        return 1;
    }
}
