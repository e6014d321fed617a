// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.kern.KernelPanic;

/**
 * One address space's mappings, kept by the active MMU.
 *
 * <p>Every use of the MMU's space goes through the socket; when the MMU fails meanwhile, it is made again with the one
 * that took its place. A walk does not, for its CPU is in user mode: it misses, and the trap that follows does.
 */
final class SpacePmap implements Pmap {
    /** How many mappings of a page {@link #existsQuick} looks at, as the original does. */
    private static final int FEW = 16;

    private final MmuSocket socket;
    private final SpaceList spaces;
    private final PageReports reports;
    private final int asid;
    /** The active MMU's; changes with it. */
    private volatile @Nullable MmuSpace space;
    /** The era in which a CPU last missed its TLB in this space; written without a lock, a hint. */
    private int lastRun;

    /** A space that no MMU keeps yet; see {@link #install}. */
    SpacePmap(MmuSocket socket, SpaceList spaces, PageReports reports, int asid) {
        this.socket = socket;
        this.spaces = spaces;
        this.reports = reports;
        this.asid = asid;
        this.lastRun = spaces.era();
    }

    /** Lets {@code next}, which belongs to the MMU that serves from now on, keep the mappings; behind the gate only. */
    void install(MmuSpace next) {
        space = next;
    }

    /** Where the active MMU keeps the mappings; to be used inside the socket. */
    MmuSpace space() {
        MmuSpace kept = space;
        if (kept == null) {
            throw new KernelPanic("pmap: no MMU keeps space %d", asid);
        }
        return kept;
    }

    /** Whether this is the kernel's own space. */
    boolean isKernel() {
        return asid == AsidPool.KERNEL;
    }

    @Override
    public int asid() {
        return asid;
    }

    @Override
    public long walk(long address, int access) {
        int era = spaces.era();
        if (lastRun != era) {
            lastRun = era;
        }
        try {
            return space().walk(address, access);
        } catch (MmuFailed failed) {
            return TlbEntry.MISS;
        }
    }

    @Override
    public void enter(long address, int access, PhysicalPage page, int prot, boolean wired) {
        boolean writes = (access & Prot.WRITE) != 0;
        if (writes && (prot & Prot.WRITE) == 0) {
            throw new KernelPanic("pmap_enter: access %d at %#x goes beyond protection %d", access, address, prot);
        }
        int attributes = lasting(page)
                | MmuMapping.ACCESSED
                | (writes ? MmuMapping.MODIFIED : 0)
                | (wired ? MmuMapping.WIRED : 0);
        enter(PageSize.index(address), page, prot, attributes);
    }

    /** Maps {@code pages} from {@code address} on for reading and writing, without keeping track of it. */
    void enterUnmanaged(long address, List<? extends PhysicalPage> pages) {
        long index = PageSize.index(address);
        for (PhysicalPage page : pages) {
            int attributes = MmuMapping.ACCESSED | MmuMapping.MODIFIED | MmuMapping.ofMemory(page.memattr());
            enter(index++, page, Prot.RW, attributes);
        }
    }

    private void enter(long index, PhysicalPage page, int prot, int attributes) {
        while (!tryEnter(index, page, prot, attributes)) {
            // The MMU failed, and the next try finds another.
        }
    }

    private boolean tryEnter(long index, PhysicalPage page, int prot, int attributes) {
        int ticket = socket.enter();
        try {
            while (!space().enter(index, page.frame(), prot, attributes)) {
                spaces.freeTables();
            }
            if ((attributes & MmuMapping.MANAGED) != 0) {
                PageReports.noteMapping(page, prot);
            }
            return true;
        } catch (MmuFailed failed) {
            socket.expectReplacement(failed);
            return false;
        } finally {
            socket.leave(ticket);
        }
    }

    @Override
    public void enterQuick(long address, PhysicalPage page, int prot) {
        int readable = prot & (Prot.READ | Prot.EXECUTE);
        if (readable == Prot.NONE) {
            return;
        }
        while (!tryEnterQuick(PageSize.index(address), page, readable)) {
            // The MMU failed, and the next try finds another.
        }
    }

    private boolean tryEnterQuick(long index, PhysicalPage page, int prot) {
        int ticket = socket.enter();
        try {
            if (space().enterQuick(index, page.frame(), prot, lasting(page))) {
                PageReports.noteMapping(page, prot);
            }
            return true;
        } catch (MmuFailed failed) {
            socket.expectReplacement(failed);
            return false;
        } finally {
            socket.leave(ticket);
        }
    }

    /** The attributes that every mapping of {@code page} has. */
    private static int lasting(PhysicalPage page) {
        return (page.managed() ? MmuMapping.MANAGED : 0) | MmuMapping.ofMemory(page.memattr());
    }

    @Override
    public void enterObject(long address, List<? extends PhysicalPage> pages, int prot) {
        int readable = prot & (Prot.READ | Prot.EXECUTE);
        if (readable == Prot.NONE) {
            return;
        }
        int done = 0;
        while (done < pages.size()) {
            done = enterFrom(done, PageSize.index(address), pages, readable);
        }
    }

    /** Maps {@code pages} from number {@code from} on; returns the number behind the last that it looked at. */
    private int enterFrom(int from, long index, List<? extends PhysicalPage> pages, int prot) {
        int done = from;
        int ticket = socket.enter();
        try {
            while (done < pages.size()) {
                int count = enterLarge(index + done, pages, done, prot, 0) ? space().largeSize() : 1;
                PhysicalPage page = pages.get(done);
                if (count > 1 || space().enterQuick(index + done, page.frame(), prot, lasting(page))) {
                    pages.subList(done, done + count).forEach(each -> PageReports.noteMapping(each, prot));
                }
                done += count;
            }
        } catch (MmuFailed failed) {
            socket.expectReplacement(failed);
        } finally {
            socket.leave(ticket);
        }
        return done;
    }

    /** Maps as many of {@code pages} from number {@code at} on as one large mapping maps, if that is possible. */
    private boolean enterLarge(long index, List<? extends PhysicalPage> pages, int at, int prot, int seen) {
        int size = space().largeSize();
        int frame = pages.get(at).frame();
        boolean fits = size > 1 && index % size == 0 && frame % size == 0 && at + size <= pages.size();
        int lasting = lasting(pages.get(at));
        for (int i = 1; fits && i < size; i++) {
            PhysicalPage page = pages.get(at + i);
            fits = page.frame() == frame + i && lasting(page) == lasting;
        }
        return fits && space().enterLarge(index, frame, prot, lasting | seen);
    }

    @Override
    public int largeSize() {
        return (int) use(0, 0, 0, (in, from, to, how) -> in.largeSize());
    }

    @Override
    public long alignSuperpage(long address, long offset, long length) {
        long large = PageSize.bytes(largeSize());
        long skipped = Math.floorMod(offset - address, large);
        long head = Math.floorMod(-offset, large);
        return large > PageSize.BYTES && length - head >= large ? address + skipped : address;
    }

    @Override
    public void initObject(long address, List<? extends PhysicalPage> pages, int prot) {
        long index = PageSize.index(address);
        int seen = MmuMapping.ACCESSED | ((prot & Prot.WRITE) != 0 ? MmuMapping.MODIFIED : 0);
        int ticket = socket.enter();
        try {
            int size = space().largeSize();
            boolean whole = size > 1 && index % size == 0 && pages.size() % size == 0 && isRun(pages);
            for (int at = 0; whole && prot != Prot.NONE && at < pages.size(); at += size) {
                enterLarge(index + at, pages, at, prot, seen);
            }
        } catch (MmuFailed failed) {
            // Faults bring the pages in.
            socket.expectReplacement(failed);
        } finally {
            socket.leave(ticket);
        }
    }

    /** Whether {@code pages} lie one behind the other in memory and are unmanaged and alike. */
    private static boolean isRun(List<? extends PhysicalPage> pages) {
        for (int i = 0; i < pages.size(); i++) {
            PhysicalPage page = pages.get(i);
            boolean next = page.frame() == pages.get(0).frame() + i
                    && page.memattr() == pages.get(0).memattr();
            if (!next || page.managed()) {
                return false;
            }
        }
        return true;
    }

    /** What is done in the MMU's space. */
    @FunctionalInterface
    private interface Use {
        long in(MmuSpace space, long start, long end, int how);
    }

    /** Makes {@code use} of the pages that lie in {@code [start, end)}, again if the MMU fails. */
    private long use(long start, long end, int how, Use use) {
        while (true) {
            int ticket = socket.enter();
            try {
                return use.in(space(), PageSize.index(start), PageSize.index(end), how);
            } catch (MmuFailed failed) {
                socket.expectReplacement(failed);
            } finally {
                socket.leave(ticket);
            }
        }
    }

    @Override
    public long prefaultable(long address, int count) {
        return use(address, address, count, (in, page, to, pages) -> in.prefaultable(page, pages));
    }

    @Override
    public void remove(long start, long end) {
        use(start, end, 0, (in, from, to, how) -> {
            in.remove(from, to);
            return 0;
        });
    }

    @Override
    public void removePages() {
        use(0, 0, 0, (in, from, to, how) -> {
            in.removeUnwired();
            return 0;
        });
    }

    @Override
    public void protect(long start, long end, int prot) {
        use(start, end, prot, (in, from, to, how) -> {
            in.protect(from, to, how);
            return 0;
        });
    }

    @Override
    public void changeWiring(long address, boolean wired) {
        long found =
                use(address, address, wired ? 1 : 0, (in, page, to, how) -> in.changeWiring(page, how != 0) ? 1 : 0);
        if (found == 0 && !socket.lossy()) {
            throw new KernelPanic("pmap_change_wiring: nothing is mapped at %#x of space %d", address, asid);
        }
    }

    @Override
    public void advise(long start, long end, boolean keepModified) {
        use(start, end, keepModified ? 1 : 0, (in, from, to, how) -> {
            in.advise(from, to, how != 0);
            return 0;
        });
    }

    @Override
    public int extract(long address) {
        return MmuMapping.frame(mapping(address));
    }

    @Override
    public int protection(long address) {
        return MmuMapping.prot(mapping(address));
    }

    @Override
    public long mapping(long address) {
        return use(address, address, 0, (in, page, to, how) -> in.query(page));
    }

    @Override
    public @Nullable PhysicalPage extractAndHold(long address, int prot) {
        PageReports.Held held = reports.held();
        use(address, address, prot, (in, page, to, how) -> in.hold(page, how, held) ? 1 : 0);
        return held.page();
    }

    @Override
    public boolean existsQuick(PhysicalPage page) {
        return page.managed()
                && use(
                                0,
                                0,
                                page.frame(),
                                (in, from, to, frame) -> socket.active().isMappedBy(asid, frame, FEW) ? 1 : 0)
                        != 0;
    }

    @Override
    public void copy(Pmap source, long destination, long length, long from) {
        if (destination == from && source instanceof SpacePmap parent) {
            use(from, from + length, 0, (in, first, last, how) -> {
                in.copy(parent.space(), first, last);
                return 0;
            });
        }
    }

    @Override
    public List<String> path(long address) {
        while (true) {
            int ticket = socket.enter();
            try {
                return space().path(PageSize.index(address));
            } catch (MmuFailed failed) {
                socket.expectReplacement(failed);
            } finally {
                socket.leave(ticket);
            }
        }
    }

    @Override
    public long residentCount() {
        return use(0, 0, 0, (in, from, to, how) -> in.residentCount());
    }

    @Override
    public long wiredCount() {
        return use(0, 0, 0, (in, from, to, how) -> in.wiredCount());
    }

    /** The visitor is shown what was there when the visit began, and may use the pmap layer itself. */
    @Override
    public void forEach(MappingVisitor visitor) {
        while (true) {
            MappingList list = new MappingList();
            int ticket = socket.enter();
            try {
                space().forEach(list);
            } catch (MmuFailed failed) {
                socket.expectReplacement(failed);
                continue;
            } finally {
                socket.leave(ticket);
            }
            list.forEach(visitor);
            return;
        }
    }

    @Override
    public void release() {
        use(0, 0, 0, (in, from, to, how) -> {
            long left = in.residentCount();
            if (left != 0) {
                throw new KernelPanic("pmap_release: space %d still maps %d pages", asid, left);
            }
            in.release();
            spaces.remove(this);
            return 0;
        });
        spaces.recycleAsid(asid);
    }

    // Inside the socket.

    /** The era in which this space last ran. */
    int lastRun() {
        return lastRun;
    }

    /** Whether {@link #dropUnwired} would free anything. */
    boolean droppable() {
        return !isKernel() && space().residentCount() > space().wiredCount();
    }

    /** Removes the mappings that faults can make again, and with them their tables. */
    void dropUnwired() {
        space().removeUnwired();
    }
}
