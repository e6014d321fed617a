// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import java.util.Arrays;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/** Writes pages to a file ({@code vnode_pager_generic_putpages}). */
final class PageOut {
    private final Transfers transfers;
    private final PagerCounts counts;
    private final Complaints complaints;
    private final Fidelity fidelity;

    PageOut(Transfers transfers, PagerCounts counts, Complaints complaints, Fidelity fidelity) {
        this.transfers = transfers;
        this.counts = counts;
        this.complaints = complaints;
        this.fidelity = fidelity;
    }

    /** Does what {@link penumbra.pager.Pager#putPages} says. */
    void write(Vnode vnode, VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
        // A write that is under way when the file is cut would make it long again; busy pages forbid waiting for the
        // lock.
        boolean locked = vnode.lock().isHeld();
        if (!locked && !vnode.lock().tryLock()) {
            Arrays.fill(results, 0, count, PagerResult.AGAIN);
            return;
        }
        try {
            writeLocked(vnode, object, pages, count, flags, results);
        } finally {
            if (!locked) {
                vnode.lock().unlock();
            }
        }
    }

    private void writeLocked(Vnode vnode, VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
        long offset = PageSize.bytes(pages[0].pindex());
        long length = Math.max(0, Math.min(PageSize.bytes(count), vnode.size() - offset));
        int inFile = (int) PageSize.index(PageSize.ceiling(length));
        Arrays.fill(results, inFile, count, PagerResult.BAD);
        if (inFile == 0) {
            return;
        }
        int end = (int) (length & PageSize.MASK);
        if (end != 0) {
            clip(pages[inFile - 1], end);
        }
        WriteOutcome outcome = new WriteOutcome();
        object.lock().unlock();
        try {
            transfer(vnode.node(), offset, length, pages, (flags & PagerFlags.PUT_SYNC) != 0, outcome);
        } finally {
            object.lock().lock();
        }
        counts.out.increment();
        counts.pagesOut.add(inFile);
        if (outcome.failure != null) {
            counts.errors.increment();
            complaints.say(vnode.name(), "page-out", outcome.failure);
        }
        settle(pages, inFile, length, outcome, results);
    }

    /** Takes the end of the file's last page out of the write: what lies behind the file's end is nobody's data. */
    private void clip(Page last, int end) {
        if (fidelity.corrected()) {
            int clean = end + PageSize.BLOCK - 1 & -PageSize.BLOCK;
            last.clearDirty(clean, PageSize.BYTES - clean);
        } else {
            // The block that holds the end becomes clean too, even if the write then fails.
            last.clearDirty(end, PageSize.BYTES - end);
        }
    }

    private void transfer(
            FileNode node, long offset, long length, Page[] pages, boolean durable, WriteOutcome outcome) {
        try {
            transfers.write(node, offset, length, pages, outcome);
            if (outcome.written < length) {
                outcome.failure = new IOException("took " + outcome.written + " of " + length + " bytes");
            } else if (durable) {
                node.fsync();
            }
        } catch (IOException e) {
            outcome.failure = e;
            if (outcome.written == length) {
                outcome.durable = false;
            }
        }
    }

    /** Makes clean what was written, whole blocks or up to the end of the file, and answers for each page. */
    private void settle(Page[] pages, int inFile, long length, WriteOutcome outcome, PagerResult[] results) {
        boolean report = fidelity.corrected();
        long clean = report && !outcome.durable ? 0 : outcome.written;
        if (clean < length) {
            clean &= -PageSize.BLOCK;
        }
        for (int i = 0; i < inFile; i++) {
            long wanted = Math.min(PageSize.BYTES, length - PageSize.bytes(i));
            long bytes = Math.min(wanted, clean - PageSize.bytes(i));
            if (bytes > 0) {
                pages[i].setValidClean(0, (int) bytes);
            }
            results[i] = report && bytes < wanted ? PagerResult.ERROR : PagerResult.OK;
        }
    }
}
