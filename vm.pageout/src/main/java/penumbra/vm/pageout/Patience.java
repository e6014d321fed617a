// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import java.util.concurrent.TimeUnit;

/**
 * How long the page daemon goes on in vain before somebody must die for memory: {@link #VAIN_PASSES} of its hardest
 * passes, one after the other and {@link #WAIT} apart ({@code vm_pageout_mightbe_oom}). One thread uses it.
 */
final class Patience {
    /**
     * As {@code vm.pageout_oom_seq} of FreeBSD 12 has it; 10.0 kills after the first, having rested for half a second.
     */
    static final int VAIN_PASSES = 12;

    /** Nanoseconds; FreeBSD 12 rests as long between two passes. Passes that follow faster count as one. */
    static final long WAIT = TimeUnit.MILLISECONDS.toNanos(100);

    private int vain;
    private long lastCounted;

    /** Begins from the beginning: a pass has got pages, or there is reason to hope that the next one will. */
    void restore() {
        vain = 0;
    }

    /**
     * Notes a hardest pass in vain.
     *
     * @param now nanoseconds on any clock
     * @return whether it was one too many; the next is the first again then
     */
    boolean lost(long now) {
        if (vain > 0 && now - lastCounted < WAIT) {
            return false;
        }
        lastCounted = now;
        vain = (vain + 1) % VAIN_PASSES;
        return vain == 0;
    }
}
