// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jspecify.annotations.Nullable;

/**
 * The free blocks of physical memory: runs of a power of two pages, aligned to their size, in lists by order, pool and
 * kind of memory ({@code vm_phys.c}).
 *
 * <p>A freed block joins its free buddy at once and goes to the tail of its list; what is left of a block that was
 * split goes to the head; allocation takes the head. Every method needs the free list lock. Cached pages are free
 * blocks, too: the pool CACHE keeps them apart as long as possible.
 */
final class BuddyAllocator {
    /** {@code VM_NFREEORDER} of amd64: the largest block has 4,096 pages. */
    static final int ORDERS = 13;
    /** The order of a page that is not the first of a free block. */
    static final int NO_BLOCK = ORDERS;

    /** The pool of pages for owners ({@code VM_FREEPOOL_DEFAULT}). */
    static final int DEFAULT = 0;
    /** The pool of pages that belong to nobody ({@code VM_FREEPOOL_DIRECT}). */
    static final int DIRECT = 1;
    /** The pool of cached pages ({@code VM_FREEPOOL_CACHE}). */
    static final int CACHE = 2;

    static final int POOLS = 3;

    /** Lists of memory above 16 MiB ({@code VM_FREELIST_DEFAULT}), which is taken first. */
    static final int ANY_MEMORY = 0;
    /** Lists of memory that old DMA controllers reach ({@code VM_FREELIST_ISADMA}). */
    static final int LOW_MEMORY = 1;

    private static final int FREE_LISTS = 2;

    private final PageArray pages;
    private final PageList[] lists = new PageList[FREE_LISTS * POOLS * ORDERS];
    private final boolean[] populated = new boolean[FREE_LISTS];

    /** An allocator that owns no page yet: the segments' pages are freed to it. */
    BuddyAllocator(PageArray pages) {
        this.pages = pages;
        for (int i = 0; i < lists.length; i++) {
            lists[i] = new PageList();
        }
        for (PhysicalSegment segment : pages.segments()) {
            populated[segment.freeList()] = true;
        }
    }

    /** The free blocks of one kind, the next to be taken first. */
    PageList list(int freeList, int pool, int order) {
        return lists[(freeList * POOLS + pool) * ORDERS + order];
    }

    /**
     * Takes a block of {@code 1 << order} pages out of {@code pool}, or, when that has none, the largest block of any
     * pool, which it moves to {@code pool} as a whole ({@code vm_phys_alloc_pages}).
     *
     * @return its first page; null when no block is large enough
     */
    @Nullable
    VmPage allocate(int pool, int order) {
        for (int freeList = 0; freeList < FREE_LISTS; freeList++) {
            if (populated[freeList]) {
                VmPage block = allocate(freeList, pool, order);
                if (block != null) {
                    return block;
                }
            }
        }
        return null;
    }

    private @Nullable VmPage allocate(int freeList, int pool, int order) {
        for (int o = order; o < ORDERS; o++) {
            VmPage block = list(freeList, pool, o).first();
            if (block != null) {
                remove(block);
                split(block, o, order);
                return block;
            }
        }
        for (int o = ORDERS - 1; o >= order; o--) {
            for (int other = 0; other < POOLS; other++) {
                VmPage block = list(freeList, other, o).first();
                if (block != null) {
                    remove(block);
                    setPool(block, o, pool);
                    split(block, o, order);
                    return block;
                }
            }
        }
        return null;
    }

    /** Gives the upper halves of a block back until it has the order wanted ({@code vm_phys_split_pages}). */
    private void split(VmPage block, int order, int wanted) {
        PhysicalSegment segment = pages.segment(block);
        for (int o = order - 1; o >= wanted; o--) {
            addFirst(segment.page(block.frame() + (1 << o)), o);
        }
    }

    /** Gives a block back and joins it with free buddies in the same segment ({@code vm_phys_free_pages}). */
    void free(VmPage block, int order) {
        PhysicalSegment segment = pages.segment(block);
        VmPage first = block;
        int o = order;
        while (o < ORDERS - 1) {
            int buddyFrame = first.frame() ^ 1 << o;
            if (!segment.contains(buddyFrame)) {
                break;
            }
            VmPage buddy = segment.page(buddyFrame);
            if (buddy.order != o) {
                break;
            }
            remove(buddy);
            if (buddy.pool != first.pool) {
                setPool(buddy, o, first.pool);
            }
            if (buddyFrame < first.frame()) {
                first = buddy;
            }
            o++;
        }
        first.order = (byte) o;
        listOf(first).addLast(first);
    }

    /**
     * Gives back a run of pages in the largest blocks that its alignment allows ({@code vm_phys_free_contig}).
     *
     * @param page the first
     */
    void freeRun(VmPage page, int count) {
        PhysicalSegment segment = pages.segment(page);
        int frame = page.frame();
        int left = count;
        while (true) {
            int order = Math.min(Integer.numberOfTrailingZeros(frame), ORDERS - 1);
            if (left < 1 << order) {
                break;
            }
            free(segment.page(frame), order);
            frame += 1 << order;
            left -= 1 << order;
        }
        while (left > 0) {
            int order = 31 - Integer.numberOfLeadingZeros(left);
            free(segment.page(frame), order);
            frame += 1 << order;
            left -= 1 << order;
        }
    }

    /**
     * Takes one particular page out of whatever free block it is in ({@code vm_phys_unfree_page}).
     *
     * @return false when it is in none
     */
    boolean unfree(VmPage page) {
        PhysicalSegment segment = pages.segment(page);
        VmPage block = page;
        int order = 0;
        while (block.order == NO_BLOCK && order < ORDERS - 1) {
            order++;
            int frame = page.frame() & -1 << order;
            if (frame < segment.firstFrame()) {
                return false;
            }
            block = segment.page(frame);
        }
        if (block.order < order || block.order == NO_BLOCK) {
            return false;
        }
        order = block.order;
        remove(block);
        while (order > 0) {
            order--;
            int half = block.frame() + (1 << order);
            VmPage upper = segment.page(half);
            if (page.frame() < half) {
                addFirst(upper, order);
            } else {
                addFirst(block, order);
                block = upper;
            }
        }
        return true;
    }

    /** Moves all pages of a block that is on no list to a pool ({@code vm_phys_set_pool}). */
    void setPool(VmPage block, int order, int pool) {
        PhysicalSegment segment = pages.segment(block);
        int frame = block.frame();
        for (int i = 0; i < 1 << order; i++) {
            segment.page(frame + i).pool = (byte) pool;
        }
    }

    private void addFirst(VmPage block, int order) {
        block.order = (byte) order;
        listOf(block).addFirst(block);
    }

    private void remove(VmPage block) {
        listOf(block).remove(block);
        block.order = NO_BLOCK;
    }

    private PageList listOf(VmPage block) {
        return list(pages.segment(block).freeList(), block.pool, block.order);
    }
}
