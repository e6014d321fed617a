// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Witness;
import penumbra.page.Page;
import penumbra.vnode.FileNode;

/**
 * Moves bytes between a file and the frames of busy pages, {@link TransferBuffers#BYTES} at a time. No lock is held.
 */
final class Transfers {
    private final PhysicalMemory memory;
    private final TransferBuffers buffers = new TransferBuffers();

    Transfers(PhysicalMemory memory) {
        this.memory = memory;
    }

    /**
     * Reads from the file into adjacent pages, and zeroes what is left of the last page that gets any byte.
     *
     * @param first where in {@code pages} the page is that starts at the file's byte {@code offset}
     * @param length bytes wanted
     * @return bytes read; fewer when the file ends before
     */
    long read(FileNode node, long offset, long length, Page[] pages, int first) throws IOException {
        Witness.beforeIo();
        ByteBuffer buffer = buffers.take();
        try {
            long done = 0;
            boolean more = true;
            while (more && done < length) {
                int chunk = (int) Math.min(length - done, TransferBuffers.BYTES);
                int got = node.read(offset + done, buffer.clear().limit(chunk));
                scatter(buffer, got, pages, first + (int) PageSize.index(done));
                done += got;
                more = got == chunk;
            }
            return done;
        } finally {
            buffers.give(buffer);
        }
    }

    /** Reads part of one page: {@code length} bytes at {@code inPage}, zeroes where the file ends; bytes read. */
    int readPart(FileNode node, long offset, Page page, int inPage, int length) throws IOException {
        Witness.beforeIo();
        ByteBuffer buffer = buffers.take();
        try {
            int got = node.read(offset, buffer.clear().limit(length));
            memory.write(page.frame(), inPage, buffer, 0, got);
            memory.zero(page.frame(), inPage + got, length - got);
            return got;
        } finally {
            buffers.give(buffer);
        }
    }

    /**
     * Writes adjacent pages to the file.
     *
     * @param length bytes to write, from the start of {@code pages[0]}, which is the file's byte {@code offset}
     * @param outcome receives how far it came
     */
    void write(FileNode node, long offset, long length, Page[] pages, WriteOutcome outcome) throws IOException {
        Witness.beforeIo();
        ByteBuffer buffer = buffers.take();
        try {
            boolean more = true;
            while (more && outcome.written < length) {
                int chunk = (int) Math.min(length - outcome.written, TransferBuffers.BYTES);
                gather(buffer, chunk, pages, (int) PageSize.index(outcome.written));
                int put = node.write(offset + outcome.written, buffer.clear().limit(chunk));
                outcome.written += put;
                more = put == chunk;
            }
        } finally {
            buffers.give(buffer);
        }
    }

    /** Zeroes part of a page. */
    void zero(Page page, int offset, int length) {
        memory.zero(page.frame(), offset, length);
    }

    private void scatter(ByteBuffer buffer, int bytes, Page[] pages, int first) {
        for (int at = 0, i = first; at < bytes; at += PageSize.BYTES, i++) {
            int length = Math.min(PageSize.BYTES, bytes - at);
            memory.write(pages[i].frame(), 0, buffer, at, length);
            memory.zero(pages[i].frame(), length, PageSize.BYTES - length);
        }
    }

    private void gather(ByteBuffer buffer, int bytes, Page[] pages, int first) {
        buffer.clear();
        for (int at = 0, i = first; at < bytes; at += PageSize.BYTES, i++) {
            memory.read(pages[i].frame(), 0, buffer, at, Math.min(PageSize.BYTES, bytes - at));
        }
    }
}
