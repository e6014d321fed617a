// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.Violations;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.PagerResult;
import penumbra.pager.Pagers;
import penumbra.vm.object.ObjectCheck;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;
import penumbra.vm.vnode.VnodeInvariants;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/** A machine up to objects, with files, wired by hand; what a fault would do is done by hand, too. */
final class FileMachine implements AutoCloseable {
    final FrameMemory memory;
    final SimMachine machine;
    final PmapLayer pmaps;
    final Pages pages;
    final PagerLayer layer;
    final ObjectCore objects;
    final VnodeTable vnodes;
    final VnodePager pager;
    final FileSizes sizes;

    FileMachine() {
        this(Fidelity.CORRECTED);
    }

    FileMachine(Fidelity fidelity) {
        memory = new FrameMemory(MemoryLayout.ofFrames(2_048));
        machine = new SimMachine(memory, new MachineSettings(1, Execution.THREADED, fidelity, 64));
        pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), false);
        pages = pagesFullOfGarbage();
        layer = new PagerLayer(machine, memory, pages);
        objects = new ObjectCore(machine, pmaps, pages, pagers(), layer.swap(), layer.accounting());
        pagers().setObjectFactory(objects);
        pager = new VnodePager(machine, memory, pages);
        layer.add(pager, 0);
        vnodes = new VnodeTable(machine, pagers(), 10, 0);
        vnodes.addFileSystem(new HostFileSystem());
        sizes = new FileSizes(memory, pages);
    }

    /** Pages whose frames hold what must never be seen. */
    private PageSystem pagesFullOfGarbage() {
        PageSystem system = new PageSystem(memory, machine, pmaps);
        system.setFillFreedPages(true);
        List<Page> all = new ArrayList<>();
        Page page;
        while ((page = system.allocUnowned(Alloc.NOOBJ | Alloc.INTERRUPT)) != null) {
            all.add(page);
        }
        all.forEach(system::free);
        return system;
    }

    Pagers pagers() {
        return layer.pagers();
    }

    PhysicalMemory memory() {
        return memory;
    }

    // Files and objects

    Vnode wrap(FileNode node) throws IOException {
        return vnodes.wrap(node);
    }

    /** The object of a file, with one more reference. */
    VmObject object(Vnode vnode) {
        return Objects.requireNonNull(
                pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.READ | Prot.WRITE, 0, null));
    }

    /** The object of a new file that only the object uses. */
    VmObject objectOf(FileNode node) throws IOException {
        Vnode vnode = wrap(node);
        VmObject object = object(vnode);
        vnode.release();
        return object;
    }

    static Vnode vnodeOf(VmObject object) {
        return (Vnode) Objects.requireNonNull(object.handle());
    }

    void reclaim(Vnode vnode) {
        vnode.lock().lock();
        vnodes.reclaim(vnode);
        vnode.lock().unlock();
    }

    // Pages

    /**
     * Reads pages {@code [first, first + count)} in one request for page {@code wanted} as a fault does; the wanted
     * page stays busy.
     */
    PagerResult request(VmObject object, long first, int count, long wanted) {
        Page[] run = new Page[count];
        object.lock().lock();
        for (int i = 0; i < count; i++) {
            run[i] = Objects.requireNonNull(pages.alloc(object, first + i, Alloc.NORMAL));
        }
        PagerResult result = pagers().getPages(object, run, count, (int) (wanted - first));
        object.lock().unlock();
        return result;
    }

    /**
     * Makes page {@code pindex} resident and fully valid, with whatever neighbours the pager has, and returns it
     * unbusied.
     */
    Page fault(VmObject object, long pindex) throws IOException {
        object.lock().lock();
        try {
            while (true) {
                Page page = object.pages().lookup(pindex);
                if (page == null) {
                    if (pindex >= object.size()) {
                        throw new IOException("page " + pindex + " is behind the end");
                    }
                    page = Objects.requireNonNull(pages.alloc(object, pindex, Alloc.NORMAL));
                } else if (page.sleepIfBusy("test")) {
                    continue;
                } else if (page.valid() == Page.ALL) {
                    return page;
                } else {
                    page.xbusy();
                }
                fill(object, page);
                return page;
            }
        } finally {
            object.lock().unlock();
        }
    }

    private void fill(VmObject object, Page page) throws IOException {
        long has = pagers().hasPage(object, page.pindex());
        if (!PageRun.present(has)) {
            memory.zero(page.frame(), 0, PageSize.BYTES);
            page.setValid(Page.ALL);
        } else {
            Page[] run = window(object, page, has);
            int wanted = Arrays.asList(run).indexOf(page);
            PagerResult result = pagers().getPages(object, run, run.length, wanted);
            page = run[wanted];
            if (result != PagerResult.OK) {
                pages.free(page);
                throw new IOException("page-in: " + result);
            }
        }
        page.activate();
        page.xunbusy();
    }

    private Page[] window(VmObject object, Page page, long has) {
        int before = 0;
        while (before < PageRun.before(has) && object.pages().lookup(page.pindex() - before - 1) == null) {
            before++;
        }
        int after = 0;
        while (after < PageRun.after(has) && object.pages().lookup(page.pindex() + after + 1) == null) {
            after++;
        }
        Page[] run = new Page[before + 1 + after];
        for (int i = 0; i < run.length; i++) {
            run[i] = i == before
                    ? page
                    : Objects.requireNonNull(pages.alloc(object, page.pindex() - before + i, Alloc.NORMAL));
        }
        return run;
    }

    /** The page, if it is resident. */
    Page resident(VmObject object, long pindex) {
        object.lock().lock();
        try {
            return object.pages().lookup(pindex);
        } finally {
            object.lock().unlock();
        }
    }

    /** The bytes in the page's frame. */
    byte[] bytes(Page page) {
        byte[] bytes = new byte[PageSize.BYTES];
        memory.read(page.frame(), 0, bytes, 0, bytes.length);
        return bytes;
    }

    /** Stores through an imagined mapping: the page becomes dirty. */
    void store(VmObject object, long pindex, int offset, byte[] bytes) throws IOException {
        while (true) {
            Page page = fault(object, pindex);
            object.lock().lock();
            try {
                if (object.pages().lookup(pindex) == page && page.valid() == Page.ALL && !page.busied()) {
                    memory.write(page.frame(), offset, bytes, 0, bytes.length);
                    object.setWriteableDirty();
                    page.makeDirty();
                    return;
                }
            } finally {
                object.lock().unlock();
            }
        }
    }

    /** Maps a page at {@code pindex} of a new address space for writing, as a write fault does. */
    Pmap map(VmObject object, Page page) {
        Pmap pmap = pmaps.create();
        object.lock().lock();
        object.setWriteableDirty();
        pmap.enter(PageSize.bytes(page.pindex()), Prot.WRITE, page, Prot.READ | Prot.WRITE, false);
        object.lock().unlock();
        return pmap;
    }

    /** Everything that must hold while nothing happens. */
    void check() {
        Violations violations = new Violations();
        new VnodeInvariants(vnodes).check(violations);
        new ObjectCheck(objects, layer.swap(), layer.accounting()).check(violations);
        layer.check().check(violations);
        assertThat(violations.messages()).isEmpty();
    }

    @Override
    public void close() {
        vnodes.close();
        layer.close();
        memory.close();
    }
}
