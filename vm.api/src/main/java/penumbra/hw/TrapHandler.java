// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ProviderType;
import penumbra.kern.KernReturn;

/** The kernel's entry for page faults; the map layer registers it with the {@link Machine} when it starts. */
@ProviderType
public interface TrapHandler {
    /**
     * Makes {@code address} accessible in the space that {@code cpu} runs ({@code trap_pfault}). The CPU is in kernel
     * mode. May block.
     *
     * @param access the {@link Prot} kind of access that failed
     * @return SUCCESS when the access is to be tried again; anything else ends it with a {@link MemoryFault}
     */
    KernReturn pageFault(Cpu cpu, long address, int access);
}
