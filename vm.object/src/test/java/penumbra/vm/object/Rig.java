// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.AbstractThrowableAssert;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.PmapSystem;
import penumbra.hw.Prot;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageDaemon;
import penumbra.pager.FilePager;
import penumbra.pager.PagerFlags;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** A machine up to its objects, wired by hand from the real modules, with the means to bring objects into any state. */
final class Rig implements AutoCloseable {
    static final Cred PAYER = new Cred(1001);
    private static final int FRAMES = 2048;
    private static final int SLOTS = 1024;

    final FrameMemory memory;
    final Machine machine;
    final PmapSystem pmaps;
    final PageSystem pages;
    final Pagers pagers;
    final SwapSpace swap;
    final SwapAccounting accounting;
    final VnodeTable vnodes;
    final FilePager files;
    final ObjectCore core;

    final AtomicInteger memoryWaits = new AtomicInteger();

    private final PagerLayer layer;

    /** Whether a thread ended with locks in its hands. */
    private boolean crashed;

    private Rig(MachineSettings settings) {
        memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
        machine = new SimMachine(memory, settings);
        pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), false);
        pages = new PageSystem(memory, machine, pmaps);
        layer = new PagerLayer(machine, memory, pages);
        pagers = layer.pagers();
        swap = layer.swap();
        accounting = layer.accounting();
        layer.attach(new MemoryStore(SLOTS), 0);
        files = new FilePager(memory, pages);
        layer.add(files, 0);
        vnodes = new VnodeTable(machine, pagers, 16, 0);
        core = new ObjectCore(machine, pmaps, pages, pagers, swap, accounting);
        pagers.setObjectFactory(core);
        pages.setDaemon(new CountingDaemon());
    }

    /** A machine that runs in steps. */
    static Rig stepped(Fidelity fidelity) {
        return new Rig(MachineSettings.stepped(fidelity));
    }

    /** A machine whose sleeps are real, with every known defect mended. */
    static Rig threaded() {
        return new Rig(MachineSettings.threaded(2));
    }

    private final class CountingDaemon implements PageDaemon {
        @Override
        public void wakeup() {
            // Memory is never short for long here.
        }

        @Override
        public void step(String waitMessage) {
            memoryWaits.incrementAndGet();
        }
    }

    // Objects

    MemoryObject object(ObjectType type, long size) {
        return (MemoryObject) core.allocate(type, size);
    }

    MemoryObject anonymous(long size) {
        return object(ObjectType.DEFAULT, size);
    }

    /** An anonymous object that {@link #PAYER} has paid for. */
    MemoryObject charged(long size) {
        MemoryObject object = anonymous(size);
        if (!accounting.reserve(PageSize.bytes(size), PAYER)) {
            throw new IllegalStateException("no swap for " + size + " pages");
        }
        object.lock().lock();
        object.setCharge(PAYER, PageSize.bytes(size));
        object.lock().unlock();
        return object;
    }

    /** A shadow of {@code source}, which keeps the reference that the test has of it. */
    MemoryObject shadowOf(MemoryObject source, long offset, long length) {
        source.reference();
        return (MemoryObject) core.shadow(source, offset, length);
    }

    Vnode file(int filePages) {
        return file(new HeapFile(filePages));
    }

    Vnode file(HeapFile contents) {
        try {
            return vnodes.wrap(contents);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The object of a file, with one reference. */
    MemoryObject fileObject(Vnode file) {
        return (MemoryObject) pagers.allocate(ObjectType.VNODE, file, file.size(), Prot.READ | Prot.WRITE, 0, null);
    }

    // Pages

    /** Makes a page resident, valid and active, filled with {@code tag}, and dirty if asked. */
    Page fill(MemoryObject object, long index, int tag, boolean dirty) {
        object.lock().lock();
        Page page = pages.grab(object, index, Alloc.NORMAL);
        for (int offset = 0; offset < PageSize.BYTES; offset += Long.BYTES) {
            memory.store(page.frame(), offset, Long.BYTES, tag);
        }
        page.setValid(Page.ALL);
        if (dirty) {
            page.makeDirty();
            object.setWriteableDirty();
        }
        page.activate();
        page.xunbusy();
        object.lock().unlock();
        return page;
    }

    Page fill(MemoryObject object, long index, int tag) {
        return fill(object, index, tag, true);
    }

    /** Makes a page resident that is not valid. */
    Page invalid(MemoryObject object, long index) {
        object.lock().lock();
        Page page = pages.grab(object, index, Alloc.NORMAL);
        page.xunbusy();
        object.lock().unlock();
        return page;
    }

    @Nullable
    Page lookup(MemoryObject object, long index) {
        object.lock().lock();
        Page page = object.pages().lookup(index);
        object.lock().unlock();
        return page;
    }

    /** Like {@link #lookup}, for a caller that holds the object's lock. */
    Page lookupLocked(MemoryObject object, long index) {
        return object.pages().lookup(index);
    }

    int tag(Page page) {
        return (int) memory.load(page.frame(), PageSize.BYTES - Long.BYTES, Long.BYTES);
    }

    /** The tag of each resident page as {@code index=tag}. */
    List<String> contents(MemoryObject object) {
        List<String> all = new ArrayList<>();
        object.lock().lock();
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            all.add(page.pindex() + "=" + (page.valid() == 0 ? "invalid" : String.valueOf(tag(page))));
        }
        object.lock().unlock();
        return all;
    }

    /** Pages that are in swap. */
    List<Long> swapped(MemoryObject object) {
        List<Long> all = new ArrayList<>();
        object.lock().lock();
        if (object.type() == ObjectType.SWAP) {
            swap.forEach(object, (index, store, slot, version, checksum) -> all.add(index));
        }
        object.lock().unlock();
        return all;
    }

    /** Writes {@code count} dirty pages to swap; they stay resident and become clean. */
    PageoutFlush pageOut(MemoryObject object, long first, int count) {
        PageoutFlush result = new PageoutFlush();
        object.lock().lock();
        Page[] run = new Page[count];
        for (int i = 0; i < count; i++) {
            run[i] = object.pages().lookup(first + i);
        }
        core.flush(object, run, count, PagerFlags.PUT_SYNC, 0, result);
        object.lock().unlock();
        return result;
    }

    /** Frees a page, so that only its swapped copy is left. */
    void evict(MemoryObject object, long index) {
        locked(object, () -> pages.free(object.pages().lookup(index)));
    }

    /** Runs {@code action} with the object locked; after a panic it stays so. */
    void locked(MemoryObject object, Runnable action) {
        object.lock().lock();
        action.run();
        object.lock().unlock();
    }

    /** An address space that maps {@code page} writeable at page {@code virtual}. */
    Pmap map(Page page, long virtual, boolean wired) {
        Pmap pmap = pmaps.create();
        MemoryObject object = (MemoryObject) page.owner();
        locked(object, () -> pmap.enter(PageSize.bytes(virtual), Prot.WRITE, page, Prot.READ | Prot.WRITE, wired));
        return pmap;
    }

    // Checks

    /** What {@code action} throws, on a thread of its own: the locks that it leaves behind are that thread's. */
    AbstractThrowableAssert<?, ? extends Throwable> assertThrown(Runnable action) {
        crashed = true;
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread thread = new Thread(action, "ill-fated");
        thread.setUncaughtExceptionHandler((any, problem) -> thrown.set(problem));
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return assertThat(thrown.get());
    }

    /** What is wrong with objects, pages and location maps. */
    Violations violations() {
        Violations found = new Violations();
        pages.check(found, List.of());
        layer.check().check(found, List.of());
        new ObjectCheck(core, swap, accounting).check(found, List.of());
        return found;
    }

    @Override
    public void close() {
        if (!crashed) {
            layer.close();
            pages.close();
        }
        memory.close();
    }
}
