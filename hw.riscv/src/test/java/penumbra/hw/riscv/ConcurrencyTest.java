// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuConcurrencyContract;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;

class ConcurrencyTest extends MmuConcurrencyContract {
    @Override
    protected Mmu create() {
        return new RiscvMmu();
    }

    @Override
    protected Machine machine(PhysicalMemory with, int cpus) {
        return new SimMachine(with, MachineSettings.threaded(cpus));
    }

    @Override
    protected int freeTables(Mmu of) {
        return ((RiscvMmu) of).served().tables.freeCount();
    }
}
