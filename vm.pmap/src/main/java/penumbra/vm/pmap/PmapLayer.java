// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.hw.MemorySegment;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.PageOfFrame;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Pmap;
import penumbra.hw.PmapSystem;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/** The pmap layer over one MMU: spaces and their tags, reports to pages, and what to do when table memory runs out. */
@Component(service = PmapSystem.class, configurationPid = "penumbra.vm.pmap")
@Designate(ocd = PmapConfig.class)
public final class PmapLayer implements PmapSystem, MmuReports {
    private static final Logger LOG = LoggerFactory.getLogger(PmapLayer.class);
    /** FreeBSD's {@code PMAP_TS_REFERENCED_MAX}. */
    private static final int MOST_REFERENCES = 5;

    private final Machine machine;
    private final PhysicalMemory memory;
    private final GuardedMmu mmu;
    private final AsidPool asids = new AsidPool();
    private final SpacePmap kernel;
    private volatile boolean optimised;
    private volatile @Nullable PageOfFrame pages;

    /** Guards {@link #spaces}. */
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "list of pmaps");

    private final Set<SpacePmap> spaces = new LinkedHashSet<>();
    /** Counts how often table memory ran out; tells which spaces ran since. */
    private volatile int era;

    /** The layer as configured. */
    @Activate
    public PmapLayer(
            @Reference Machine machine,
            @Reference PhysicalMemory memory,
            @Reference(name = "mmu") Mmu mmu,
            PmapConfig config) {
        this(machine, memory, mmu, config.optimised());
    }

    /** A layer over {@code mmu}, which serves nobody yet; see {@link #optimised} for the last argument. */
    public PmapLayer(Machine machine, PhysicalMemory memory, Mmu mmu, boolean optimised) {
        this.machine = machine;
        this.memory = memory;
        this.optimised = optimised;
        this.mmu = new GuardedMmu(mmu, this::mmuFailed);
        this.mmu.attach(machine, memory, this);
        this.kernel = new SpacePmap(this, AsidPool.KERNEL, this.mmu.create(AsidPool.KERNEL));
    }

    /** Takes over what may change while the machine runs. */
    @Modified
    public void modified(PmapConfig config) {
        optimised = config.optimised();
    }

    /** Takes the MMU from the machine. */
    @Deactivate
    public void detach() {
        mmu.detach();
    }

    /** Nobody knows any more what was modified: takes every page that could be for modified, and stops. */
    private void mmuFailed(KernelPanic panic) {
        LOG.error("{}; it is parked, and every writeable page is taken for modified", panic.getMessage());
        PageOfFrame known = pages;
        if (known != null) {
            for (MemorySegment segment : memory.segments()) {
                for (int frame = segment.firstFrame(); frame < segment.endFrame(); frame++) {
                    PhysicalPage page = known.page(frame);
                    if (page != null && page.writeable()) {
                        page.noteModified();
                    }
                }
            }
        }
        machine.halt(panic);
    }

    @Override
    public Pmap create() {
        int asid = asids.take();
        SpacePmap pmap = new SpacePmap(this, asid, mmu.create(asid));
        lock.lock();
        spaces.add(pmap);
        lock.unlock();
        return pmap;
    }

    /** Takes {@code pmap} off the list of spaces. */
    void forget(SpacePmap pmap) {
        lock.lock();
        spaces.remove(pmap);
        lock.unlock();
    }

    /** Makes every TLB forget space {@code asid}, whose tables are gone, and frees the tag. */
    void recycle(int asid) {
        machine.invalidateSpace(asid);
        asids.give(asid);
    }

    @Override
    public Pmap kernel() {
        return kernel;
    }

    /** The number of times table memory has run out. */
    int era() {
        return era;
    }

    /** Makes room for tables: drops the unwired mappings of the space that has not run for the longest time. */
    void freeTables() {
        SpacePmap victim = leastRecentlyRun();
        LOG.debug("no frame is left for tables: dropping the mappings of space {}", victim.asid());
        victim.dropUnwired();
    }

    private SpacePmap leastRecentlyRun() {
        lock.lock();
        SpacePmap[] candidates = spaces.toArray(new SpacePmap[0]);
        era++;
        lock.unlock();
        @Nullable SpacePmap victim = null;
        for (SpacePmap pmap : candidates) {
            if (pmap.droppable() && (victim == null || pmap.lastRun() < victim.lastRun())) {
                victim = pmap;
            }
        }
        if (victim == null) {
            throw new KernelPanic("pmap_enter: no frame is left for tables, and every mapping is wired");
        }
        return victim;
    }

    @Override
    public void setPages(@Nullable PageOfFrame known) {
        pages = known;
    }

    @Override
    public void modified(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.noteModified();
        }
    }

    @Override
    public void referenced(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.noteReferenced();
        }
    }

    @Override
    public void unmapped(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.setWriteable(false);
        }
    }

    /** The page of a managed frame; null when the page layer has gone and nobody wants to know any more. */
    private @Nullable PhysicalPage page(int frame) {
        PageOfFrame known = pages;
        if (known == null) {
            return null;
        }
        PhysicalPage page = known.page(frame);
        if (page == null) {
            throw new KernelPanic("pmap: managed frame %#x belongs to no page", frame);
        }
        return page;
    }

    @Override
    public void removeAll(PhysicalPage page) {
        if (page.managed()) {
            mmu.removeAll(page.frame());
            page.setWriteable(false);
        }
    }

    @Override
    public void removeWrite(PhysicalPage page) {
        if (mayBeWriteable(page)) {
            mmu.removeWrite(page.frame());
            page.setWriteable(false);
        }
    }

    @Override
    public boolean isModified(PhysicalPage page) {
        return mayBeWriteable(page) && mmu.isModified(page.frame());
    }

    @Override
    public void clearModify(PhysicalPage page) {
        if (mayBeWriteable(page)) {
            mmu.clearModify(page.frame());
        }
    }

    /** Nobody can make a writeable mapping of a page that is not exclusive-busy while its owner is locked. */
    private static boolean mayBeWriteable(PhysicalPage page) {
        return page.managed() && (page.writeable() || page.xbusied());
    }

    @Override
    public boolean isReferenced(PhysicalPage page) {
        return page.managed() && mmu.isReferenced(page.frame());
    }

    @Override
    public int testAndClearReferenced(PhysicalPage page) {
        return page.managed() ? mmu.testAndClearReferenced(page.frame(), MOST_REFERENCES) : 0;
    }

    @Override
    public boolean isMapped(PhysicalPage page) {
        return page.managed() && mmu.isMapped(page.frame());
    }

    @Override
    public int wiredMappings(PhysicalPage page) {
        return page.managed() ? mmu.wiredMappings(page.frame()) : 0;
    }

    @Override
    public void zeroPage(PhysicalPage page) {
        memory.zero(page.frame(), 0, PageSize.BYTES);
    }

    @Override
    public void zeroPageArea(PhysicalPage page, int offset, int length) {
        memory.zero(page.frame(), offset, length);
    }

    @Override
    public void copyPage(PhysicalPage from, PhysicalPage to) {
        memory.copy(from.frame(), to.frame());
    }

    @Override
    public String mmuName() {
        return mmu.name();
    }

    @Override
    public boolean optimised() {
        return optimised;
    }
}
