// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import penumbra.hw.PageSize;
import penumbra.page.Page;
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
        int perBlock = node.blockSize() >> PageSize.SHIFT;
        long block = pindex / perBlock;
        long place = node.map(block);
        if (place == FileNode.HOLE) {
            return PageRun.NONE;
        }
        long reach = (REACH + perBlock - 1) / perBlock;
        long before = 0;
        while (before < Math.min(reach, block) && node.map(block - before - 1) == place - before - 1) {
            before++;
        }
        long last = (pages - 1) / perBlock;
        long after = 0;
        while (after < Math.min(reach, last - block) && node.map(block + after + 1) == place + after + 1) {
            after++;
        }
        long inBlock = pindex % perBlock;
        long pagesBefore = before * perBlock + inBlock;
        long pagesAfter = Math.min(after * perBlock + perBlock - inBlock - 1, pages - 1 - pindex);
        return PageRun.of((int) Math.min(REACH, pagesBefore), (int) Math.min(REACH, pagesAfter));
    }

    /** Where the page is stored, in pages; {@link FileNode#HOLE} for a hole. Blocks are not smaller than pages. */
    static long place(FileNode node, long pindex) throws IOException {
        int perBlock = node.blockSize() >> PageSize.SHIFT;
        long place = node.map(pindex / perBlock);
        return place == FileNode.HOLE ? place : place * perBlock + pindex % perBlock;
    }

    /** The first of the adjacent {@code pages} that are stored without a gap up to {@code pages[of]}. */
    static int firstInRun(FileNode node, Page[] pages, int of) throws IOException {
        long place = place(node, pages[of].pindex());
        int first = of;
        while (first > 0 && place(node, pages[first - 1].pindex()) == place - (of - first) - 1) {
            first--;
        }
        return first;
    }

    /** One behind the last of the {@code count} adjacent pages that are stored without a gap from {@code pages[of]} on. */
    static int endOfRun(FileNode node, Page[] pages, int count, int of) throws IOException {
        long place = place(node, pages[of].pindex());
        int end = of + 1;
        while (end < count && place(node, pages[end].pindex()) == place + (end - of)) {
            end++;
        }
        return end;
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
