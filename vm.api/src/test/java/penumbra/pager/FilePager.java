// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/** A pager of files that remembers what it was asked for, and answers as it was told to. */
public final class FilePager implements Pager {
    /** One call of {@link #getPages}: the first page, how many, and which of them was needed. */
    public record Read(long first, int count, int requested) {}

    /** One call of {@link #putPages}. */
    public record Put(long first, int count, int flags) {}

    /** The reads so far. */
    public final List<Read> reads = new ArrayList<>();

    /** The writes so far. */
    public final List<Put> puts = new ArrayList<>();

    /** What every read answers. */
    public volatile PagerResult readResult = PagerResult.OK;

    /** What every write answers, unless {@link #answers} says something else. */
    public volatile PagerResult writeResult = PagerResult.OK;

    /** What the next pages to be written get for an answer, one each. */
    public final Deque<PagerResult> answers = new ArrayDeque<>();

    /** How many pages before and after another one are said to be at hand. */
    public volatile int before = 64;

    public volatile int after = 64;

    /** Runs while the object's lock is dropped for a read. */
    public volatile Runnable duringRead = () -> {};

    /** Runs while the object's lock is dropped for a write. */
    public volatile Runnable duringWrite = () -> {};

    private final PhysicalMemory memory;
    private final Pages pages;

    /** A pager that moves bytes between files and the pages of one page layer. */
    public FilePager(PhysicalMemory memory, Pages pages) {
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
        puts.add(new Put(run[0].pindex(), count, flags));
        FileNode file = ((Vnode) object.handle()).node();
        object.lock().unlock();
        Witness.beforeIo();
        for (int i = 0; i < count; i++) {
            results[i] = answers.isEmpty() ? writeResult : answers.removeFirst();
            if (results[i] == PagerResult.OK) {
                write(file, run[i]);
            }
        }
        duringWrite.run();
        object.lock().lock();
        for (int i = 0; i < count; i++) {
            if (results[i] == PagerResult.OK) {
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
