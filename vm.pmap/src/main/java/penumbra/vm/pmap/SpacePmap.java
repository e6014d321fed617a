// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.kern.KernelPanic;

/** One address space's mappings, kept by the active MMU. */
final class SpacePmap implements Pmap {
    private final PmapLayer layer;
    private final int asid;
    private final MmuSpace space;
    /** The layer's era in which a CPU last missed its TLB in this space; written without a lock, a hint. */
    private int lastRun;

    SpacePmap(PmapLayer layer, int asid, MmuSpace space) {
        this.layer = layer;
        this.asid = asid;
        this.space = space;
        this.lastRun = layer.era();
    }

    @Override
    public int asid() {
        return asid;
    }

    @Override
    public long walk(long address, int access) {
        int era = layer.era();
        if (lastRun != era) {
            lastRun = era;
        }
        return space.walk(address, access);
    }

    @Override
    public void enter(long address, int access, PhysicalPage page, int prot, boolean wired) {
        boolean writes = (access & Prot.WRITE) != 0;
        if (writes && (prot & Prot.WRITE) == 0) {
            throw new KernelPanic("pmap_enter: access %d at %#x goes beyond protection %d", access, address, prot);
        }
        int attributes = managed(page)
                | MmuMapping.ACCESSED
                | (writes ? MmuMapping.MODIFIED : 0)
                | (wired ? MmuMapping.WIRED : 0);
        long index = PageSize.index(address);
        while (!space.enter(index, page.frame(), prot, attributes)) {
            layer.freeTables();
        }
        note(page, prot);
    }

    @Override
    public void enterQuick(long address, PhysicalPage page, int prot) {
        int readable = prot & (Prot.READ | Prot.EXECUTE);
        if (readable != Prot.NONE && space.enterQuick(PageSize.index(address), page.frame(), readable, managed(page))) {
            note(page, readable);
        }
    }

    private static int managed(PhysicalPage page) {
        return page.managed() ? MmuMapping.MANAGED : 0;
    }

    /**
     * Marks a managed page. This comes after the mapping, since the last of the others may vanish and take the mark with it
     * until then; the page is busy, or its owner locked, so that nobody relies on the mark meanwhile.
     */
    private static void note(PhysicalPage page, int prot) {
        if (!page.managed()) {
            return;
        }
        if ((prot & Prot.WRITE) != 0) {
            page.setWriteable(true);
        }
        if ((prot & Prot.EXECUTE) != 0) {
            page.noteExecutable();
        }
    }

    @Override
    public boolean prefaultable(long address) {
        return space.prefaultable(PageSize.index(address));
    }

    @Override
    public void remove(long start, long end) {
        space.remove(PageSize.index(start), PageSize.index(end));
    }

    @Override
    public void removePages() {
        space.removeUnwired();
    }

    @Override
    public void protect(long start, long end, int prot) {
        space.protect(PageSize.index(start), PageSize.index(end), prot);
    }

    @Override
    public void changeWiring(long address, boolean wired) {
        if (!space.changeWiring(PageSize.index(address), wired)) {
            throw new KernelPanic("pmap_change_wiring: nothing is mapped at %#x of space %d", address, asid);
        }
    }

    @Override
    public void advise(long start, long end, boolean keepModified) {
        space.advise(PageSize.index(start), PageSize.index(end), keepModified);
    }

    @Override
    public int extract(long address) {
        return (int) (space.query(PageSize.index(address)) >> 8);
    }

    @Override
    public int protection(long address) {
        long mapping = space.query(PageSize.index(address));
        return mapping < 0 ? Prot.NONE : (int) mapping & Prot.ALL;
    }

    @Override
    public void copy(Pmap source, long destination, long length, long from) {
        // The child's faults make its mappings; what they cost is less than entering those it never uses.
    }

    @Override
    public long residentCount() {
        return space.residentCount();
    }

    @Override
    public long wiredCount() {
        return space.wiredCount();
    }

    @Override
    public void forEach(MappingVisitor visitor) {
        space.forEach(visitor);
    }

    @Override
    public void release() {
        long left = space.residentCount();
        if (left != 0) {
            throw new KernelPanic("pmap_release: space %d still maps %d pages", asid, left);
        }
        layer.forget(this);
        space.release();
        layer.recycle(asid);
    }

    /** The era in which this space last ran. */
    int lastRun() {
        return lastRun;
    }

    /** Whether {@link #dropUnwired} would free anything. */
    boolean droppable() {
        return space.residentCount() > space.wiredCount();
    }

    /** Removes the mappings that faults can make again, and with them their tables. */
    void dropUnwired() {
        space.removeUnwired();
    }
}
