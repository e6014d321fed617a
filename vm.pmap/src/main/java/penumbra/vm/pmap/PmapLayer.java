// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.Designate;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.PageOfFrame;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Pmap;
import penumbra.hw.PmapSystem;

/** The pmap layer over whichever MMU serves: spaces and their tags, and what concerns all mappings of one page. */
@Component(service = PmapSystem.class, configurationPid = "penumbra.vm.pmap")
@Designate(ocd = PmapConfig.class)
public final class PmapLayer implements PmapSystem {
    /** FreeBSD's {@code PMAP_TS_REFERENCED_MAX}. */
    private static final int MOST_REFERENCES = 5;

    private final PhysicalMemory memory;
    private final SpaceList spaces;
    private final PageReports reports;
    private final MmuSocket socket;
    private final SpacePmap kernel;
    /** The MMU that the configuration names. */
    private volatile String configured;

    /** The layer as configured, which needs an MMU before it is activated. */
    @Activate
    public PmapLayer(@Reference Machine machine, @Reference PhysicalMemory memory, PmapConfig config) {
        this(machine, memory, config.mmu(), config.optimised());
    }

    private PmapLayer(Machine machine, PhysicalMemory memory, String mmu, boolean optimised) {
        this.memory = memory;
        this.configured = mmu;
        this.spaces = new SpaceList(machine);
        this.reports = new PageReports(memory.segments());
        reports.setOptimised(optimised);
        this.socket = new MmuSocket(machine, memory, reports, spaces, mmu);
        this.kernel = new SpacePmap(socket, spaces, reports, AsidPool.KERNEL);
        spaces.add(kernel);
    }

    /** A layer over {@code mmu}, which serves nobody yet; see {@link #optimised} for the last argument. */
    public PmapLayer(Machine machine, PhysicalMemory memory, Mmu mmu, boolean optimised) {
        this(machine, memory, mmu.name(), optimised);
        addMmu(mmu);
        start();
    }

    /** Adds an MMU; it serves from now on if it is the one that is wanted. Blocks until it does. */
    @Reference(
            name = "mmu",
            service = Mmu.class,
            cardinality = ReferenceCardinality.AT_LEAST_ONE,
            policy = ReferencePolicy.DYNAMIC)
    public void addMmu(Mmu mmu) {
        socket.add(mmu);
    }

    /** Takes an MMU away. If it serves, this blocks until another does; when there is none, the machine halts. */
    public void removeMmu(Mmu mmu) {
        socket.remove(mmu);
    }

    /** Lets an MMU serve. */
    @Activate
    public void start() {
        socket.start();
    }

    /** Takes over what may change while the machine runs. */
    @Modified
    public void modified(PmapConfig config) {
        reports.setOptimised(config.optimised());
        if (!config.mmu().equals(configured)) {
            configured = config.mmu();
            socket.use(configured);
        }
    }

    /** Takes the MMU from the machine. */
    @Deactivate
    public void detach() {
        socket.stop();
    }

    @Override
    public boolean useMmu(String name) {
        return socket.use(name);
    }

    @Override
    public List<String> mmuNames() {
        return socket.names();
    }

    @Override
    public String mmuName() {
        return socket.active().name();
    }

    @Override
    public long mmuSwitches() {
        return socket.switches();
    }

    @Override
    public Pmap create() {
        SpacePmap pmap = new SpacePmap(socket, spaces, reports, spaces.takeAsid());
        while (true) {
            int ticket = socket.enter();
            try {
                pmap.install(socket.active().create(pmap.asid()));
                spaces.add(pmap);
                return pmap;
            } catch (MmuFailed failed) {
                socket.expectReplacement(failed);
            } finally {
                socket.leave(ticket);
            }
        }
    }

    @Override
    public Pmap kernel() {
        return kernel;
    }

    @Override
    public void setPages(@Nullable PageOfFrame known) {
        reports.setPages(known);
    }

    /** What is done to, or asked about, all mappings of a page. */
    @FunctionalInterface
    private interface Use {
        int of(Mmu mmu, PhysicalPage page);
    }

    /** Makes {@code use} of the MMU that serves, again if it fails; 0 for a page without a list of mappings. */
    private int use(PhysicalPage page, Use use) {
        while (page.managed()) {
            int ticket = socket.enter();
            try {
                return use.of(socket.active(), page);
            } catch (MmuFailed failed) {
                socket.expectReplacement(failed);
            } finally {
                socket.leave(ticket);
            }
        }
        return 0;
    }

    @Override
    public void removeAll(PhysicalPage page) {
        use(page, (mmu, of) -> {
            mmu.removeAll(of.frame());
            of.setWriteable(false);
            return 0;
        });
    }

    @Override
    public void removeWrite(PhysicalPage page) {
        use(page, (mmu, of) -> {
            if (mayBeWriteable(of)) {
                mmu.removeWrite(of.frame());
                of.setWriteable(false);
            }
            return 0;
        });
    }

    @Override
    public boolean isModified(PhysicalPage page) {
        return use(page, (mmu, of) -> mayBeWriteable(of) && mmu.isModified(of.frame()) ? 1 : 0) != 0;
    }

    @Override
    public void clearModify(PhysicalPage page) {
        use(page, (mmu, of) -> {
            if (mayBeWriteable(of)) {
                mmu.clearModify(of.frame());
            }
            return 0;
        });
    }

    /** Nobody can make a writeable mapping of a page that is not exclusive-busy while its owner is locked. */
    private static boolean mayBeWriteable(PhysicalPage page) {
        return page.writeable() || page.xbusied();
    }

    @Override
    public boolean isReferenced(PhysicalPage page) {
        return use(page, (mmu, of) -> mmu.isReferenced(of.frame()) ? 1 : 0) != 0;
    }

    @Override
    public int testAndClearReferenced(PhysicalPage page) {
        return use(page, (mmu, of) -> mmu.testAndClearReferenced(of.frame(), MOST_REFERENCES));
    }

    @Override
    public boolean isMapped(PhysicalPage page) {
        return use(page, (mmu, of) -> mmu.isMapped(of.frame()) ? 1 : 0) != 0;
    }

    @Override
    public int wiredMappings(PhysicalPage page) {
        return use(page, (mmu, of) -> mmu.wiredMappings(of.frame()));
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
    public void copyPages(
            List<? extends PhysicalPage> from,
            long fromOffset,
            List<? extends PhysicalPage> to,
            long toOffset,
            int length) {
        byte[] piece = new byte[PageSize.BYTES];
        int done = 0;
        while (done < length) {
            long source = fromOffset + done;
            long target = toOffset + done;
            int left = PageSize.BYTES - (int) Math.max(source & PageSize.MASK, target & PageSize.MASK);
            int size = Math.min(left, length - done);
            memory.read(frame(from, source), (int) source & PageSize.MASK, piece, 0, size);
            memory.write(frame(to, target), (int) target & PageSize.MASK, piece, 0, size);
            done += size;
        }
    }

    private static int frame(List<? extends PhysicalPage> pages, long offset) {
        return pages.get((int) PageSize.index(offset)).frame();
    }

    @Override
    public void qenter(long address, List<? extends PhysicalPage> pages) {
        kernel.enterUnmanaged(address, pages);
    }

    @Override
    public void qremove(long address, int count) {
        kernel.remove(address, address + PageSize.bytes(count));
    }

    @Override
    public boolean optimised() {
        return reports.optimised();
    }
}
