// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PagerResult;

/**
 * The pages that a foreign pager was asked to fill, as they were when it got them. The object is locked in every
 * method.
 */
final class PagesGiven {
    private final Pages pages;
    private final PageClaim claim;
    private final VmObject object;
    private final Page[] run;
    private final int requested;
    private final Page[] before;
    private final int[] serials;
    private final long firstPindex;
    private final int validBefore;

    PagesGiven(Pages pages, PageClaim claim, VmObject object, Page[] run, int count, int requested) {
        this.pages = pages;
        this.claim = claim;
        this.object = object;
        this.run = run;
        this.requested = requested;
        this.before = java.util.Arrays.copyOf(run, count);
        this.serials = new int[count];
        for (int i = 0; i < count; i++) {
            serials[i] = run[i].busySerial();
        }
        this.firstPindex = run[0].pindex();
        this.validBefore = run[requested].valid();
    }

    /** Undoes what was begun: extra pages go, the requested one is busy and as valid as before. */
    void takeBack() {
        releaseExtras();
        run[requested] = claimRequested();
        run[requested].setValid(validBefore);
    }

    /** Looks whether the contract was kept, and mends what was not; returns what was broken, null for nothing. */
    @Nullable
    String check(PagerResult result) {
        @Nullable String wrong = null;
        if (releaseExtras() > 0) {
            wrong = "left a page busy around page " + wanted();
        }
        Page page = run[requested];
        if (!holds(page)) {
            wrong = "did not keep page " + wanted() + " busy";
            run[requested] = claimRequested();
        }
        if (result == PagerResult.OK && run[requested].valid() == 0) {
            wrong = "answered OK for page " + wanted() + ", but no byte of it is valid";
        } else if (result == PagerResult.OK && (run[requested].valid() & ~Page.ALL) != 0) {
            wrong = "set valid bits " + Integer.toHexString(run[requested].valid()) + " of page " + wanted();
        }
        if (wrong != null) {
            run[requested].setValid(0);
        }
        return wrong;
    }

    private long wanted() {
        return firstPindex + requested;
    }

    private boolean holds(@Nullable Page page) {
        return page != null && page.owner() == object && page.pindex() == wanted() && page.xbusied();
    }

    /** Releases the extra pages that are still in the pager's hands; returns how many. */
    private int releaseExtras() {
        int left = 0;
        for (int i = 0; i < before.length; i++) {
            Page page = before[i];
            if (i != requested
                    && page.owner() == object
                    && page.pindex() == firstPindex + i
                    && page.xbusied()
                    && page.busySerial() == serials[i]) {
                SwapTransfers.release(pages, page);
                left++;
            }
        }
        return left;
    }

    private Page claimRequested() {
        Page page = run[requested];
        return holds(page) ? page : claim.take(object, wanted());
    }
}
