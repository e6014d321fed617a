// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Pair;
import penumbra.page.Page;
import penumbra.page.PageFlags;

/** The words of a page that change without a lock. */
class BusyWordInterleavingsTest {
    private static VmPage page() {
        return new VmPage(null, 1, 0);
    }

    @Test
    void exclusiveIsForOne() {
        Pair.explore(() -> {
            VmPage page = page();
            int[] inside = {0};
            Runnable use = () -> {
                if (page.tryXbusy()) {
                    Pair.check(++inside[0] == 1, "two are inside");
                    inside[0]--;
                    page.xunbusy();
                }
            };
            Pair.run(use, use);
            Pair.check(!page.busied(), "busy in the end");
        });
    }

    @Test
    void sharersAndAnExclusiveOwnerKeepEachOtherOut() {
        Pair.explore(() -> {
            VmPage page = page();
            boolean[] writing = {false};
            Pair.run(
                    () -> {
                        if (page.trySbusy()) {
                            Pair.check(!writing[0], "somebody writes what is shared");
                            page.sunbusy();
                        }
                    },
                    () -> {
                        if (page.tryXbusy()) {
                            writing[0] = true;
                            writing[0] = false;
                            page.busyDowngrade();
                            Pair.check(page.sharedBusy() >= 1 && !page.xbusied(), "not shared after the downgrade");
                            page.sunbusy();
                        }
                    });
            Pair.check(!page.busied() && page.sharedBusy() == 0, "busy in the end");
        });
    }

    @Test
    void noSharerIsLost() {
        Pair.explore(() -> {
            VmPage page = page();
            Runnable share = () -> {
                page.sbusy();
                Pair.check(page.sharedBusy() >= 1, "my share is lost");
                page.sunbusy();
            };
            Pair.run(share, share);
            Pair.check(!page.busied(), "busy in the end");
        });
    }

    @Test
    void noFlagAndNoModificationIsLost() {
        Pair.explore(() -> {
            VmPage page = page();
            page.setAflags(PageFlags.A_EXECUTABLE);
            Pair.run(
                    () -> {
                        page.noteReferenced();
                        page.noteModified();
                    },
                    () -> {
                        page.setWriteable(true);
                        page.clearAflags(PageFlags.A_EXECUTABLE);
                        page.clearDirty(0, Page.ALL);
                    });
            int flags = page.aflags() & 0xff;
            Pair.check(flags == (PageFlags.A_REFERENCED | PageFlags.A_WRITEABLE), "flags " + flags);
            Pair.check(page.dirty() == Page.ALL || page.dirty() == (Page.ALL & ~1), "dirty " + page.dirty());
        });
    }
}
