// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import penumbra.hw.PageSize;
import penumbra.pager.PageRun;
import penumbra.vnode.FileNode;

/** Which pages of a file are stored one after the other, so that one transfer can move them. */
final class BlockRuns {
    /** Pages on either side of one that are looked at: with it, FreeBSD's {@code MAXPHYS}, 128 KiB. */
    private static final int REACH = 31;

    private BlockRuns() {}

    /** Whether blocks are smaller than pages, so that each page is transferred block by block. */
    static boolean blocksBelowPage(FileNode node) {
        return node.blockSize() < PageSize.BYTES;
    }

    /**
     * What is stored around the page, as a {@link PageRun} ({@code vnode_pager_haspage}).
     *
     * @param pindex a page that begins before the end of the file
     * @param pages how many pages the file has
     */
    static long around(FileNode node, long pindex, long pages) throws IOException {
        if (blocksBelowPage(node)) {
            return hasBlock(node, pindex) ? PageRun.of(0, 0) : PageRun.NONE;
        }
        return within(node, pindex, Math.max(0, pindex - REACH), Math.min(pages, pindex + REACH + 1));
    }

    /**
     * Which of the pages from {@code first} to before {@code end} are stored without a gap with {@code pindex}, one of
     * them, as a {@link PageRun}; {@link PageRun#NONE} when it is in a hole. Blocks are not smaller than pages.
     */
    static long within(FileNode node, long pindex, long first, long end) throws IOException {
        int perBlock = node.blockSize() >> PageSize.SHIFT;
        long wanted = pindex / perBlock;
        long last = (end - 1) / perBlock;
        long start = first / perBlock;
        int length = node.run(start, (int) (last - start + 1));
        while (start + length <= wanted && start < wanted) {
            start += Math.max(length, 1);
            length = node.run(start, (int) (last - start + 1));
        }
        if (length == 0) {
            return PageRun.NONE;
        }
        long from = Math.max(first, start * perBlock);
        long to = Math.min(end, (start + length) * perBlock);
        return PageRun.of((int) (pindex - from), (int) (to - pindex - 1));
    }

    private static boolean hasBlock(FileNode node, long pindex) throws IOException {
        int perPage = PageSize.BYTES / node.blockSize();
        for (int i = 0; i < perPage; i++) {
            if (node.map(pindex * perPage + i) != FileNode.HOLE) {
                return true;
            }
        }
        return false;
    }
}
