// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import penumbra.boot.Kernel;
import penumbra.kern.WouldBlock;
import penumbra.page.PageDaemon;
import penumbra.policy.Pageout;

/**
 * The page daemon as the original's harness drove it: it sleeps until somebody waits for memory, and answers each wait
 * with one scan, of pass 1 the first time, then of pass 0 and 1 in turn.
 */
final class AlternatingDaemon implements PageDaemon {
    /** Waits after which the harness took the script to be stuck. */
    private static final int MAX_WAITS = 200;

    private final Pageout pageout;
    private int waits;

    private AlternatingDaemon(Pageout pageout) {
        this.pageout = pageout;
    }

    /** Takes the place of the machine's own daemon. */
    static void replace(Kernel kernel) {
        kernel.pages().setDaemon(null);
        kernel.pages().setDaemon(new AlternatingDaemon(kernel.pageout()));
    }

    @Override
    public void wakeup() {
        // It scans when somebody waits, and only then.
    }

    @Override
    public void step(String waitMessage) {
        if (++waits > MAX_WAITS) {
            throw new WouldBlock(waitMessage);
        }
        pageout.scan(waits % 2);
    }
}
