// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelPanic;

/**
 * The memory management unit of RISC-V: Sv48 tables in frames, on harts that leave accessed and dirty bits to software.
 */
@Component(service = Mmu.class, property = "mmu.name=" + RiscvMmu.NAME)
public final class RiscvMmu implements Mmu {
    static final String NAME = "riscv";

    private volatile @Nullable Served served;

    /** An MMU that serves no machine yet. */
    public RiscvMmu() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void attach(Machine machine, PhysicalMemory memory, MmuReports reports) {
        if (served != null) {
            throw new KernelPanic("attach: %s serves a machine already", NAME);
        }
        served = new Served(machine, memory, reports);
    }

    @Override
    public void detach() {
        served().release();
        served = null;
    }

    @Override
    public MmuSpace create(int asid) {
        return served().create(asid);
    }

    @Override
    public void removeAll(int frame) {
        served().removeAll(frame);
    }

    @Override
    public void removeWrite(int frame) {
        served().count(frame, Integer.MAX_VALUE, Served::writeProtect);
    }

    @Override
    public boolean isModified(int frame) {
        return served().count(frame, 1, (in, place, table, offset) -> in.has(table, offset, Sv48.DIRTY)) > 0;
    }

    @Override
    public void clearModify(int frame) {
        served().count(
                        frame,
                        Integer.MAX_VALUE,
                        (in, place, table, offset) -> in.clear(place, table, offset, Sv48.DIRTY) != 0);
    }

    @Override
    public boolean isReferenced(int frame) {
        return served().count(frame, 1, (in, place, table, offset) -> in.has(table, offset, Sv48.ACCESSED)) > 0;
    }

    @Override
    public int testAndClearReferenced(int frame, int max) {
        return served().count(
                        frame,
                        max,
                        (in, place, table, offset) ->
                                Sv48.has(in.clear(place, table, offset, Sv48.ACCESSED), Sv48.ACCESSED));
    }

    @Override
    public boolean isMapped(int frame) {
        return served().count(frame, 1, (in, place, table, offset) -> true) > 0;
    }

    @Override
    public boolean isMappedBy(int asid, int frame, int most) {
        return served().isMappedBy(asid, frame, most);
    }

    @Override
    public int wiredMappings(int frame) {
        return served().count(
                        frame, Integer.MAX_VALUE, (in, place, table, offset) -> in.has(table, offset, Sv48.WIRED));
    }

    /** The machine that it serves; panics when there is none. */
    Served served() {
        Served machine = served;
        if (machine == null) {
            throw new KernelPanic("%s serves no machine", NAME);
        }
        return machine;
    }
}
