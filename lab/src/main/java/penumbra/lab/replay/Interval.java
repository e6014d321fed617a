// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;

/**
 * How often something is done to a running machine.
 *
 * @param text as it was given
 * @param nanos after so much of the machine's time; 0 for by faults
 * @param faults after so many faults; 0 for by time
 */
record Interval(String text, long nanos, long faults) {
    private static final String FAULTS = "-faults";
    private static final String SECONDS = "s";
    private static final double NANOS = 1e9;

    /** Reads {@code 2s}, {@code 0.5s} or {@code 1000-faults}; null for anything else. */
    static @Nullable Interval parse(String text) {
        try {
            if (text.endsWith(FAULTS)) {
                long faults = Long.parseLong(text.substring(0, text.length() - FAULTS.length()));
                return faults < 1 ? null : new Interval(text, 0, faults);
            }
            if (text.endsWith(SECONDS)) {
                double seconds = Double.parseDouble(text.substring(0, text.length() - SECONDS.length()));
                long nanos = (long) (seconds * NANOS);
                return nanos < 1 ? null : new Interval(text, nanos, 0);
            }
        } catch (NumberFormatException e) {
            // The caller says what was expected.
        }
        return null;
    }

    /** When {@code kernel} is to be at its first or next turn: in the unit of {@link #now}. */
    long next(Kernel kernel) {
        return now(kernel) + (faults > 0 ? faults : nanos);
    }

    /** Where {@code kernel} is: in faults or in nanoseconds. */
    long now(Kernel kernel) {
        return faults > 0
                ? kernel.processes().faults().total()
                : kernel.machine().clock().nanos();
    }
}
