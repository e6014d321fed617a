// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuConcurrencyContract;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;

class ConcurrencyTest extends MmuConcurrencyContract {
    @Override
    protected Mmu create() {
        return new Amd64Mmu();
    }

    @Override
    protected Machine machine(PhysicalMemory with, int cpus) {
        return new SimMachine(with, MachineSettings.threaded(cpus));
    }

    @Override
    protected int freeTables(Mmu of) {
        return ((Amd64Mmu) of).mappings().freeTables();
    }

    @Override
    protected boolean isLarge(MmuSpace space, long page) {
        return ((Amd64Space) space).isSuperpageWith(page, Pte.LARGE);
    }
}
