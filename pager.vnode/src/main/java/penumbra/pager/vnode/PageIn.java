// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import penumbra.hw.PageSize;
import penumbra.kern.KernelPanic;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.Pages;
import penumbra.pager.PageRun;
import penumbra.pager.PagerResult;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/** Fills pages from a file ({@code vnode_pager_generic_getpages}). */
final class PageIn {
    private final Pages pageLayer;
    private final Transfers transfers;
    private final PagerCounts counts;
    private final Complaints complaints;

    PageIn(Pages pageLayer, Transfers transfers, PagerCounts counts, Complaints complaints) {
        this.pageLayer = pageLayer;
        this.transfers = transfers;
        this.counts = counts;
        this.complaints = complaints;
    }

    /** The pages that a transfer filled: {@code bytes} bytes of the file, from the start of page {@code first} on. */
    private record Filled(int first, long bytes) {}

    private static final Filled NOTHING = new Filled(0, 0);

    /** Does what {@link penumbra.pager.Pager#getPages} says. */
    PagerResult fill(Vnode vnode, VmObject object, Page[] pages, int count, int requested) {
        Page wanted = pages[requested];
        if (vnode.doomed()) {
            freeOthers(pages, 0, count, wanted);
            return PagerResult.BAD;
        }
        if (wanted.valid() == Page.ALL) {
            freeOthers(pages, 0, count, wanted);
            return PagerResult.OK;
        }
        if (BlockRuns.blocksBelowPage(vnode.node())) {
            freeOthers(pages, 0, count, wanted);
            return fillByBlock(vnode, object, wanted);
        }
        if (wanted.dirty() != 0) {
            throw new KernelPanic(
                    "vnode_pager_getpages: page %d of %s has valid %#x, dirty %#x",
                    wanted.pindex(), vnode.name(), wanted.valid(), wanted.dirty());
        }
        wanted.setValid(0);
        return fillRun(vnode, object, pages, count, requested);
    }

    private PagerResult fillRun(Vnode vnode, VmObject object, Page[] pages, int count, int requested) {
        FileNode node = vnode.node();
        long size = vnode.size();
        boolean hole = false;
        Filled filled = NOTHING;
        object.lock().unlock();
        try {
            long first = pages[0].pindex();
            long run = BlockRuns.within(node, first + requested, first, first + count);
            hole = !PageRun.present(run);
            if (hole) {
                transfers.zero(pages[requested], 0, PageSize.BYTES);
            } else {
                filled = readRun(node, size, pages, requested, run);
            }
        } catch (IOException e) {
            counts.errors.increment();
            complaints.say(vnode.name(), "page-in", e);
        } finally {
            object.lock().lock();
        }
        if (hole) {
            freeOthers(pages, 0, count, pages[requested]);
            pages[requested].setValid(Page.ALL);
            return PagerResult.OK;
        }
        finish(filled, Math.min(size, vnode.size()), pages, count, requested);
        return pages[requested].valid() != 0 ? PagerResult.OK : PagerResult.ERROR;
    }

    /**
     * Reads the pages that are stored in one run with the requested one; that page alone when the run cannot be read.
     */
    private Filled readRun(FileNode node, long size, Page[] pages, int requested, long run) throws IOException {
        int first = requested - PageRun.before(run);
        int end = requested + PageRun.after(run) + 1;
        counts.in.increment();
        counts.pagesIn.add(end - first);
        try {
            return read(node, size, pages, first, end);
        } catch (IOException e) {
            if (end - first == 1) {
                throw e;
            }
            return read(node, size, pages, requested, requested + 1);
        }
    }

    private Filled read(FileNode node, long size, Page[] pages, int first, int end) throws IOException {
        long offset = PageSize.bytes(pages[first].pindex());
        long length = Math.min(PageSize.bytes(end - first), size - offset);
        return new Filled(first, transfers.read(node, offset, length, pages, first));
    }

    /**
     * Marks what was read as valid, up to the end of the file, and lets go of all pages but the requested one. The size
     * may have shrunk meanwhile, not below the start of any of these pages: they are busy.
     */
    private void finish(Filled filled, long size, Page[] pages, int count, int requested) {
        for (int i = 0; i < count; i++) {
            Page page = pages[i];
            long bytes = i < filled.first
                    ? 0
                    : Math.min(filled.bytes - PageSize.bytes(i - filled.first), size - PageSize.bytes(page.pindex()));
            if (bytes >= PageSize.BYTES) {
                page.setValid(Page.ALL);
            } else if (bytes > 0) {
                page.setValidRange(0, (int) bytes);
            }
            if (i != requested) {
                release(page);
            }
        }
    }

    /** Lets a page go that was read ahead, or was to be ({@code vm_page_readahead_finish}). */
    private void release(Page page) {
        if (page.valid() == 0) {
            pageLayer.free(page);
            return;
        }
        if (page.hasBusyWaiters()) {
            page.activate();
        } else {
            page.deactivate();
        }
        page.xunbusy();
    }

    private void freeOthers(Page[] pages, int from, int to, Page wanted) {
        for (int i = from; i < to; i++) {
            if (pages[i] != wanted) {
                pageLayer.free(pages[i]);
            }
        }
    }

    /** Reads the blocks of the page that are not valid yet ({@code vnode_pager_input_smlfs}). */
    private PagerResult fillByBlock(Vnode vnode, VmObject object, Page page) {
        FileNode node = vnode.node();
        int block = node.blockSize();
        long start = PageSize.bytes(page.pindex());
        long size = vnode.size();
        int valid = page.valid();
        PagerResult result = PagerResult.OK;
        counts.in.increment();
        counts.pagesIn.increment();
        object.lock().unlock();
        try {
            for (int at = 0; at < PageSize.BYTES; at += block) {
                int bits = (1 << block / PageSize.BLOCK) - 1 << at / PageSize.BLOCK;
                if ((valid & bits) != bits) {
                    fillBlock(node, size, start + at, page, at, block);
                    valid |= bits;
                }
            }
        } catch (IOException e) {
            counts.errors.increment();
            complaints.say(vnode.name(), "page-in", e);
            result = PagerResult.ERROR;
        } finally {
            object.lock().lock();
        }
        page.setValid(valid);
        return result;
    }

    private void fillBlock(FileNode node, long size, long offset, Page page, int inPage, int block) throws IOException {
        if (offset >= size || node.map(offset / block) == FileNode.HOLE) {
            transfers.zero(page, inPage, block);
            return;
        }
        int length = (int) Math.min(block, size - offset);
        if (transfers.readPart(node, offset, page, inPage, length) == 0) {
            throw new IOException("ends before byte " + offset + " of " + size);
        }
        transfers.zero(page, inPage + length, block - length);
    }
}
