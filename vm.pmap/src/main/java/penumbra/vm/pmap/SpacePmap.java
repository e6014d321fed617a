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
 * <p>Every use of the MMU's space goes through the socket; when the MMU fails meanwhile, it is made again with the one that
 * took its place. A walk does not, for its CPU is in user mode: it misses, and the trap that follows does.
 */
final class SpacePmap implements Pmap {
    private final MmuSocket socket;
    private final SpaceList spaces;
    private final int asid;
    /** The active MMU's; changes with it. */
    private volatile @Nullable MmuSpace space;
    /** The era in which a CPU last missed its TLB in this space; written without a lock, a hint. */
    private int lastRun;

    /** A space that no MMU keeps yet; see {@link #install}. */
    SpacePmap(MmuSocket socket, SpaceList spaces, int asid) {
        this.socket = socket;
        this.spaces = spaces;
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
        int attributes = managed(page)
                | MmuMapping.ACCESSED
                | (writes ? MmuMapping.MODIFIED : 0)
                | (wired ? MmuMapping.WIRED : 0);
        long index = PageSize.index(address);
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
            PageReports.noteMapping(page, prot);
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
            if (space().enterQuick(index, page.frame(), prot, managed(page))) {
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

    private static int managed(PhysicalPage page) {
        return page.managed() ? MmuMapping.MANAGED : 0;
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
    public boolean prefaultable(long address) {
        return use(address, address, 0, (in, page, to, how) -> in.prefaultable(page) ? 1 : 0) != 0;
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
        return (int) (query(address) >> 8);
    }

    @Override
    public int protection(long address) {
        long mapping = query(address);
        return mapping < 0 ? Prot.NONE : (int) mapping & Prot.ALL;
    }

    private long query(long address) {
        return use(address, address, 0, (in, page, to, how) -> in.query(page));
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
