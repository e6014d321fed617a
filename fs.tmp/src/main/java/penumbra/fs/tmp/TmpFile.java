// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.PagerResult;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/**
 * A file in memory ({@code struct tmpfs_node}): its bytes are the pages of one swap object, which mappings of the file
 * use as it is. The object's lock guards everything here.
 */
final class TmpFile {
    private final String path;
    private final VmObject object;
    private final Layers layers;
    private final Room room;
    private long size;
    private long version = 1;
    private int opens;
    private boolean removed;
    private volatile boolean ended;

    /** What a file is made of and kept by. */
    record Layers(PhysicalMemory memory, Pages pages, Pagers pagers, SwapSpace swap) {}

    /** An empty file in {@code object}, a swap object of no pages, with the caller's reference to it. */
    TmpFile(String path, VmObject object, Layers layers, Room room) {
        this.path = path;
        this.object = object;
        this.layers = layers;
        this.room = room;
    }

    String path() {
        return path;
    }

    VmObject object() {
        return object;
    }

    /** Counts one more open node. */
    void open() throws IOException {
        object.lock().lock();
        try {
            if (removed) {
                throw new IOException(path + ": no such file");
            }
            opens++;
        } finally {
            object.lock().unlock();
        }
    }

    /** Counts one less; without any, the object is nobody's vnode's, and a removed file goes. */
    void close() {
        object.lock().lock();
        opens--;
        boolean gone = opens == 0 && removed;
        if (opens == 0) {
            disown();
        }
        object.lock().unlock();
        if (gone) {
            end();
        }
    }

    /** Takes the name's hold on the contents away; they go with the last open node. */
    void remove() {
        object.lock().lock();
        boolean gone = !removed && opens == 0;
        removed = true;
        object.lock().unlock();
        if (gone) {
            end();
        }
    }

    /** Whether name and open nodes are gone, and the reference with them. */
    boolean ended() {
        return ended;
    }

    private void disown() {
        object.clearFlag(ObjectFlags.TMPFS);
        object.setTmpfsNode(null);
    }

    private void end() {
        object.lock().lock();
        room.give(pagesOf(size));
        size = 0;
        ended = true;
        object.lock().unlock();
        object.deallocate();
    }

    long size() {
        object.lock().lock();
        long bytes = size;
        object.lock().unlock();
        return bytes;
    }

    /** Changes with every write and truncation through a node; not with stores to mappings. */
    long version() {
        object.lock().lock();
        long now = version;
        object.lock().unlock();
        return now;
    }

    /** Copies what there is from {@code offset} on, to {@code to}. */
    int read(long offset, ByteBuffer to) throws IOException {
        int start = to.position();
        object.lock().lock();
        try {
            while (to.hasRemaining()) {
                long at = offset + to.position() - start;
                @Nullable Page page = at < size ? pageAt(at, false) : null;
                // The lock may have been dropped.
                int length = lengthAt(at, to.remaining(), size);
                if (page == null || length == 0) {
                    letGo(page);
                    break;
                }
                layers.memory().read(page.frame(), offset(at), to, to.position(), length);
                to.position(to.position() + length);
                letGo(page);
            }
        } finally {
            object.lock().unlock();
        }
        return to.position() - start;
    }

    /** Copies {@code from} to {@code offset}, as far as there is room. */
    int write(long offset, ByteBuffer from) throws IOException {
        int start = from.position();
        object.lock().lock();
        try {
            version++;
            long end = offset + from.remaining();
            if (end > size && !extend(end)) {
                throw new IOException(path + ": no room in memory files for " + end + " bytes");
            }
            while (from.hasRemaining()) {
                long at = offset + from.position() - start;
                int length = lengthAt(at, from.remaining(), Long.MAX_VALUE);
                Page page = pageAt(at, length == PageSize.BYTES);
                if (at + length > size) {
                    letGo(page);
                    throw new IOException(path + ": was cut while it was written");
                }
                layers.memory().write(page.frame(), offset(at), from, from.position(), length);
                changed(page);
                from.position(from.position() + length);
                letGo(page);
            }
        } finally {
            object.lock().unlock();
        }
        return from.position() - start;
    }

    /** Cuts the file, its mappings and its swap, or extends it by zeroes. */
    void truncate(long bytes) throws IOException {
        object.lock().lock();
        try {
            version++;
            if (bytes > size) {
                if (!extend(bytes)) {
                    throw new IOException(path + ": no room in memory files for " + bytes + " bytes");
                }
                return;
            }
            if (offset(bytes) != 0 && bytes < size) {
                Page page = pageAt(bytes, false);
                layers.memory().zero(page.frame(), offset(bytes), PageSize.BYTES - offset(bytes));
                changed(page);
                letGo(page);
            }
            long before = pagesOf(size);
            long after = pagesOf(bytes);
            size = bytes;
            if (after < before) {
                object.pageRemove(after, before, 0);
                layers.swap().freeSpace(object, after, before - after);
                object.setSize(after);
                room.give(before - after);
            }
        } finally {
            object.lock().unlock();
        }
    }

    /** Makes the file larger; the new pages are holes. False when there is no room. */
    private boolean extend(long bytes) {
        long more = pagesOf(bytes) - pagesOf(size);
        if (!room.take(more)) {
            return false;
        }
        object.setSize(pagesOf(bytes));
        size = bytes;
        return true;
    }

    /**
     * The page of byte {@code at}, busy; its contents may be anything if they are going to be replaced. May drop the
     * lock.
     */
    private Page pageAt(long at, boolean replaced) throws IOException {
        long pindex = PageSize.index(at);
        object.pipAdd(1);
        try {
            Page page = layers.pages().grab(object, pindex, Alloc.NORMAL);
            if (page.valid() == Page.ALL) {
                return page;
            }
            if (!replaced && PageRun.present(layers.pagers().hasPage(object, pindex))) {
                if (layers.pagers().getPages(object, new Page[] {page}, 1, 0) != PagerResult.OK) {
                    layers.pages().free(page);
                    throw new IOException(path + ": input/output error at byte " + at);
                }
                return page;
            }
            page.zeroInvalid(true);
            return page;
        } finally {
            object.pipWakeup(1);
        }
    }

    /** The page's copy in swap is old now. */
    private void changed(Page page) {
        page.makeDirty();
        layers.pagers().pageUnswapped(page);
    }

    private static void letGo(@Nullable Page page) {
        if (page != null) {
            page.activate();
            page.xunbusy();
        }
    }

    /** How many of {@code wanted} bytes from {@code at} on lie in one page and before {@code end}. */
    private static int lengthAt(long at, int wanted, long end) {
        return (int) Math.max(0, Math.min(Math.min(wanted, PageSize.BYTES - offset(at)), end - at));
    }

    private static int offset(long at) {
        return (int) at & PageSize.MASK;
    }

    private static long pagesOf(long bytes) {
        return PageSize.index(PageSize.ceiling(bytes));
    }
}
