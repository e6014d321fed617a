// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.hw.PageSize;

/** How stacks grow; may be changed while they do. */
final class StackRules {
    /** FreeBSD's {@code SGROWSIZ} of amd64. */
    static final long DEFAULT_STEP = 128L << 10;

    private volatile long step = DEFAULT_STEP;
    private volatile boolean guarded;

    /** The step by which a stack grows, in bytes ({@code kern.sgrowsiz}). */
    long step() {
        return step;
    }

    /** Bytes kept free between a stack and what it grows towards ({@code security.bsd.stack_guard_page}). */
    long guard() {
        return guarded ? PageSize.BYTES : 0;
    }

    void set(long stepBytes, boolean guardPage) {
        step = PageSize.ceiling(stepBytes);
        guarded = guardPage;
    }
}
