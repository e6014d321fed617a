// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.page.Pages;

/** How much may be wired on behalf of programs; may be changed at any time. */
final class WiringRules {
    /** What FreeBSD takes for the limit when none was set: the third part of what is free at boot. */
    private static final int FREE_SHARE = 3;

    private final long initial;
    private volatile long maxPages;

    /** The rule of a machine that has just been booted. */
    WiringRules(Pages pages) {
        initial = pages.counts().free() / FREE_SHARE;
        maxPages = initial;
    }

    /** The wired pages that no {@code mlock} may exceed ({@code vm.max_wired}). */
    long maxPages() {
        return maxPages;
    }

    /** Sets {@link #maxPages}; 0 for the value at boot. */
    void setMaxPages(long pages) {
        maxPages = pages == 0 ? initial : pages;
    }
}
