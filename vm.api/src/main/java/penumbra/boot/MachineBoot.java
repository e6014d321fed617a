// SPDX-License-Identifier: BSD-2-Clause
package penumbra.boot;

import org.osgi.annotation.versioning.ProviderType;

/** The power switch: boots empty machines, one after the other. */
@ProviderType
@FunctionalInterface
public interface MachineBoot {
    /**
     * Halts the machine that runs, if any, and boots an empty one. Blocks until every subsystem is up.
     *
     * @throws IllegalStateException when some subsystem does not come up; the message names it
     */
    Kernel boot(MachineSettings settings);
}
