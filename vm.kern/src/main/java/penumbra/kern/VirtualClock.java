// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The machine's time, in nanoseconds since boot: it moves only when somebody advances it, so that runs can be repeated.
 *
 * <p>A threaded machine advances it from the host's clock; a stepped one from the references its CPUs make.
 */
public final class VirtualClock {
    private final AtomicLong now = new AtomicLong();

    /** Nanoseconds since boot. */
    public long nanos() {
        return now.get();
    }

    /** Moves time forward by {@code nanos} (at least 0). */
    public void advance(long nanos) {
        if (nanos < 0) {
            throw new IllegalArgumentException("advance by " + nanos + " ns: time does not run backwards");
        }
        now.addAndGet(nanos);
    }
}
