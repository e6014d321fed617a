// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelPanic;

/**
 * The memory management unit of amd64: four levels of tables in frames, accessed and modified bits kept by hardware.
 */
@Component(service = Mmu.class, property = "mmu.name=" + Amd64Mmu.NAME)
public final class Amd64Mmu implements Mmu {
    static final String NAME = "amd64";

    private volatile @Nullable Mappings mappings;

    /** An MMU that serves no machine yet. */
    public Amd64Mmu() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void attach(Machine machine, PhysicalMemory memory, MmuReports reports) {
        if (mappings != null) {
            throw new KernelPanic("attach: %s serves a machine already", NAME);
        }
        mappings = new Mappings(machine, memory, reports);
    }

    @Override
    public void detach() {
        mappings().release();
        mappings = null;
    }

    @Override
    public MmuSpace create(int asid) {
        return mappings().create(asid);
    }

    @Override
    public void removeAll(int frame) {
        mappings().removeAll(frame);
    }

    @Override
    public void removeWrite(int frame) {
        mappings().clear(frame, Pte.WRITE | Pte.DIRTY, Integer.MAX_VALUE, Amd64Space::writeProtect);
    }

    @Override
    public boolean isModified(int frame) {
        return mappings().count(frame, 1, (space, page) -> space.has(page, Pte.DIRTY)) > 0;
    }

    @Override
    public void clearModify(int frame) {
        mappings().clear(frame, Pte.DIRTY, Integer.MAX_VALUE, Amd64Space::clearModified);
    }

    @Override
    public boolean isReferenced(int frame) {
        return mappings().count(frame, 1, (space, page) -> space.has(page, Pte.ACCESSED)) > 0;
    }

    @Override
    public int testAndClearReferenced(int frame, int max) {
        return mappings().clear(frame, Pte.ACCESSED, max, Amd64Space::clearAccessed);
    }

    @Override
    public boolean isMapped(int frame) {
        return mappings().count(frame, 1, (space, page) -> true) > 0;
    }

    @Override
    public boolean isMappedBy(int asid, int frame, int most) {
        return mappings().isMappedBy(asid, frame, most);
    }

    @Override
    public int wiredMappings(int frame) {
        return mappings().count(frame, Integer.MAX_VALUE, (space, page) -> space.has(page, Pte.WIRED));
    }

    /** What it keeps for the machine it serves; panics when it serves none. */
    Mappings mappings() {
        Mappings attached = mappings;
        if (attached == null) {
            throw new KernelPanic("%s serves no machine", NAME);
        }
        return attached;
    }
}
