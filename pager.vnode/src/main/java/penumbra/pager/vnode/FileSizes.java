// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.vnode.Vnode;
import penumbra.vnode.VnodeSizes;

/** Cuts and extends files whose pages may be in memory and mapped. */
@Component(service = VnodeSizes.class)
public final class FileSizes implements VnodeSizes {
    private final PhysicalMemory memory;
    private final Pages pages;

    /** Changes sizes of files with pages of {@code pages} in {@code memory}. */
    @Activate
    public FileSizes(@Reference PhysicalMemory memory, @Reference Pages pages) {
        this.memory = memory;
        this.pages = pages;
    }

    @Override
    public void truncate(Vnode vnode, long bytes) throws IOException {
        vnode.lock().lock();
        try {
            vnode.node().truncate(bytes);
            setSize(vnode, bytes);
        } finally {
            vnode.lock().unlock();
        }
    }

    @Override
    public void setSize(Vnode vnode, long bytes) {
        vnode.lock().assertHeld();
        @Nullable VmObject object = vnode.object();
        if (object == null) {
            vnode.setSize(bytes);
            return;
        }
        object.lock().lock();
        if (bytes < vnode.size()) {
            shrink(object, bytes);
        }
        vnode.setSize(bytes);
        object.setSize(PageSize.index(PageSize.ceiling(bytes)));
        object.lock().unlock();
    }

    private void shrink(VmObject object, long bytes) {
        long size = PageSize.index(PageSize.ceiling(bytes));
        if (size < object.size()) {
            object.pageRemove(size, object.size(), 0);
        }
        int end = (int) (bytes & PageSize.MASK);
        if (end != 0) {
            cut(object, size - 1, end);
        }
    }

    /** Clears what the page that holds the new end has behind it: a mapping shows it, and a longer file would. */
    private void cut(VmObject object, long pindex, int end) {
        @Nullable Page page = object.pages().lookup(pindex);
        if (page != null && page.valid() != 0) {
            memory.zero(page.frame(), end, PageSize.BYTES - end);
            page.setValidRange(end, PageSize.BYTES - end);
            // The block that holds the end keeps its dirty bit: its first part may still have to be written.
            int clean = end + PageSize.BLOCK - 1 & -PageSize.BLOCK;
            page.clearDirty(clean, PageSize.BYTES - clean);
        } else if (pages.isCached(object, pindex)) {
            pages.cacheFree(object, pindex, pindex + 1);
        }
    }
}
