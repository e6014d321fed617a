// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

/** How long foreign code may take and be away, in nanoseconds; changed while everything runs. */
final class PagerLimits {
    private volatile long absentNanos;
    private volatile long callNanos = Long.MAX_VALUE;

    /** How long a read waits for a pager that has left; 0 for not at all. */
    long absentNanos() {
        return absentNanos;
    }

    /** A pager that takes longer than this for one call is parked. */
    long callNanos() {
        return callNanos;
    }

    void set(long absentNanos, long callNanos) {
        this.absentNanos = absentNanos;
        this.callNanos = callNanos;
    }
}
