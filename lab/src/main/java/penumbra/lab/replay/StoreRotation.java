// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.util.List;
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
        next = interval.next(kernel);
    }

    /** Programs have run on: replaces the store if it is time. No lock is held. */
    synchronized void poll() throws RunFailed {
        kernel.swap().drainStep();
        if (interval.now(kernel) >= next) {
            BackingStore store = stores.get(++replacements % stores.size());
            KernReturn used = kernel.swap().use(store);
            if (!used.ok()) {
                throw new RunFailed("store " + store.name() + " cannot be used: " + used);
            }
            next = interval.next(kernel);
        }
    }

    /** How often a store was replaced. */
    synchronized int replacements() {
        return replacements;
    }
}
