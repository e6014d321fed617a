// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.util.List;
import penumbra.boot.Kernel;
import penumbra.lab.trace.BadInput;

/** The replacement of the MMU by the next one, again and again, while programs run. Thread-safe. */
final class MmuRotation {
    private final Kernel kernel;
    private final Interval interval;
    private final List<String> mmus;
    private long next;

    /**
     * A rotation through the MMUs that are there now.
     *
     * @throws BadInput when there is only one
     */
    MmuRotation(Kernel kernel, Interval interval) throws BadInput {
        this.kernel = kernel;
        this.interval = interval;
        this.mmus = kernel.pmaps().mmuNames();
        if (mmus.size() < 2) {
            throw new BadInput("--mmu-every", "there is only one MMU: " + mmus);
        }
        next = interval.next(kernel);
    }

    /** Programs have run on: replaces the MMU if it is time. The caller's CPU is in kernel mode; no lock is held. */
    synchronized void poll() throws RunFailed {
        if (interval.now(kernel) < next) {
            return;
        }
        int active = mmus.indexOf(kernel.pmaps().mmuName());
        String name = mmus.get((active + 1) % mmus.size());
        if (!kernel.pmaps().useMmu(name)) {
            throw new RunFailed("mmu " + name + " cannot be used");
        }
        next = interval.next(kernel);
    }
}
