// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;

/** An MMU in front of another, which does what that one does; whoever extends it changes some of it. */
class MmuInFront implements Mmu {
    private final Mmu real;

    MmuInFront(Mmu real) {
        this.real = real;
    }

    @Override
    public MmuSpace create(int asid) {
        return real.create(asid);
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public void attach(Machine machine, PhysicalMemory memory, MmuReports reports) {
        real.attach(machine, memory, reports);
    }

    @Override
    public void detach() {
        real.detach();
    }

    @Override
    public void removeAll(int frame) {
        real.removeAll(frame);
    }

    @Override
    public void removeWrite(int frame) {
        real.removeWrite(frame);
    }

    @Override
    public boolean isModified(int frame) {
        return real.isModified(frame);
    }

    @Override
    public void clearModify(int frame) {
        real.clearModify(frame);
    }

    @Override
    public boolean isReferenced(int frame) {
        return real.isReferenced(frame);
    }

    @Override
    public int testAndClearReferenced(int frame, int max) {
        return real.testAndClearReferenced(frame, max);
    }

    @Override
    public boolean isMapped(int frame) {
        return real.isMapped(frame);
    }

    @Override
    public boolean isMappedBy(int asid, int frame, int most) {
        return real.isMappedBy(asid, frame, most);
    }

    @Override
    public int wiredMappings(int frame) {
        return real.wiredMappings(frame);
    }
}
