// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.boot.Kernel;
import penumbra.kern.KernReturn;
import penumbra.lab.trace.BadInput;
import penumbra.pager.BackingStore;

/**
 * The replacement of the store of swapped pages by the next one, again and again, while programs run.
 *
 * <p>In a machine that runs in steps it also lets the drains go on, a cluster at a time. Thread-safe.
 */
final class StoreRotation {
    /**
     * How often a store is replaced.
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
    }

    private final Kernel kernel;
    private final Interval interval;
    private final List<BackingStore> stores;
    private long next;
    private int replacements;

    /**
     * A rotation through the stores that are there now.
     *
     * @throws BadInput when there is only one
     */
    StoreRotation(Kernel kernel, Interval interval) throws BadInput {
        this.kernel = kernel;
        this.interval = interval;
        this.stores = List.copyOf(kernel.swap().stores());
        if (stores.size() < 2) {
            throw new BadInput("--swap-pager-every", "there is only one store of swapped pages: add --zswap SIZE");
        }
        next = now() + step();
    }

    private long now() {
        return interval.faults() > 0
                ? kernel.processes().faults().total()
                : kernel.machine().clock().nanos();
    }

    private long step() {
        return interval.faults() > 0 ? interval.faults() : interval.nanos();
    }

    /** Programs have run on: replaces the store if it is time. No lock is held. */
    synchronized void poll() throws RunFailed {
        kernel.swap().drainStep();
        long now = now();
        if (now >= next) {
            BackingStore store = stores.get(++replacements % stores.size());
            KernReturn used = kernel.swap().use(store);
            if (!used.ok()) {
                throw new RunFailed("store " + store.name() + " cannot be used: " + used);
            }
            next = now + step();
        }
    }

    /** How often a store was replaced. */
    synchronized int replacements() {
        return replacements;
    }
}
