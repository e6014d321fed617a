// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Witness;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/** A pager of {@link MemoryFile}s that remembers what it was asked for and fails when told to. */
final class FilePager implements Pager {
    /** One read: the first page, how many, and which of them was needed. */
    record Read(long first, int count, int requested) {}

    private final PhysicalMemory memory;
    private final Pages pages;

    final List<Read> reads = new ArrayList<>();

    volatile PagerResult readResult = PagerResult.OK;
    volatile PagerResult writeResult = PagerResult.OK;
    volatile int before = 64;
    volatile int after = 64;

    /** Runs while the object's lock is dropped for a read. */
    volatile Runnable duringRead = () -> {};

    FilePager(PhysicalMemory memory, Pages pages) {
        this.memory = memory;
        this.pages = pages;
    }

    @Override
    public ObjectType type() {
        return ObjectType.VNODE;
    }

    @Override
    public String name() {
        return "test file";
    }

    @Override
    public VmObject allocate(
            ObjectFactory objects, @Nullable Object handle, long bytes, int prot, long offset, @Nullable Cred cred) {
        Vnode file = (Vnode) handle;
        VmObject object = objects.allocate(ObjectType.VNODE, PageSize.index(PageSize.ceiling(file.size())));
        object.lock().lock();
        object.setHandle(file);
        file.setObject(object);
        object.lock().unlock();
        file.reference();
        return object;
    }

    @Override
    public void deallocate(VmObject object) {
        ((Vnode) object.handle()).setObject(null);
        object.setHandle(null);
        object.setType(ObjectType.DEAD);
    }

    @Override
    public PagerResult getPages(VmObject object, Page[] run, int count, int requested) {
        FileNode file = ((Vnode) object.handle()).node();
        reads.add(new Read(run[0].pindex(), count, requested));
        PagerResult result = readResult;
        object.lock().unlock();
        Witness.beforeIo();
        duringRead.run();
        for (int i = 0; i < count; i++) {
            read(file, run[i]);
        }
        object.lock().lock();
        for (int i = 0; i < count; i++) {
            if (result == PagerResult.OK) {
                run[i].setValid(Page.ALL);
            }
            if (i != requested) {
                run[i].xunbusy();
                run[i].deactivate();
            }
        }
        return result;
    }

    @Override
    public void putPages(VmObject object, Page[] run, int count, int flags, PagerResult[] results) {
        FileNode file = ((Vnode) object.handle()).node();
        PagerResult result = writeResult;
        object.lock().unlock();
        Witness.beforeIo();
        for (int i = 0; i < count; i++) {
            results[i] = result;
            if (result == PagerResult.OK) {
                write(file, run[i]);
            }
        }
        object.lock().lock();
        for (int i = 0; i < count; i++) {
            if (result == PagerResult.OK) {
                run[i].undirty();
            }
        }
    }

    private void read(FileNode file, Page page) {
        ByteBuffer buffer = ByteBuffer.allocate(PageSize.BYTES);
        try {
            file.read(PageSize.bytes(page.pindex()), buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        memory.write(page.frame(), 0, buffer, 0, PageSize.BYTES);
    }

    private void write(FileNode file, Page page) {
        ByteBuffer buffer = ByteBuffer.allocate(PageSize.BYTES);
        memory.read(page.frame(), 0, buffer, 0, PageSize.BYTES);
        try {
            file.write(PageSize.bytes(page.pindex()), buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        if (pindex >= object.size()) {
            return PageRun.NONE;
        }
        return PageRun.of((int) Math.min(before, pindex), (int) Math.min(after, object.size() - pindex - 1));
    }
}
