// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MemorySegment;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;

/** The pages of all general memory, in segments ({@code vm_page_array}). Made at boot; never changes. */
final class PageArray {
    /** Where memory for old DMA controllers ends: 16 MiB. */
    private static final int LOW_MEMORY_END = 16 << 20 - PageSize.SHIFT;

    private final PhysicalSegment[] segments;
    private final int count;

    /** The pages of the general segments of {@code memory}. */
    PageArray(PageSystem system, PhysicalMemory memory) {
        List<PhysicalSegment> made = new ArrayList<>();
        int pages = 0;
        for (MemorySegment segment : memory.segments()) {
            if (segment.use() == SegmentUse.GENERAL) {
                int split = Math.max(segment.firstFrame(), Math.min(LOW_MEMORY_END, segment.endFrame()));
                add(made, system, segment.firstFrame(), split, BuddyAllocator.LOW_MEMORY);
                add(made, system, split, segment.endFrame(), BuddyAllocator.ANY_MEMORY);
                pages += segment.frames();
            }
        }
        this.segments = made.toArray(PhysicalSegment[]::new);
        this.count = pages;
    }

    private static void add(List<PhysicalSegment> made, PageSystem system, int first, int end, int freeList) {
        if (first < end) {
            VmPage[] pages = new VmPage[end - first];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = new VmPage(system, first + i, made.size());
            }
            made.add(new PhysicalSegment(first, pages, freeList));
        }
    }

    /** How many pages there are. */
    int count() {
        return count;
    }

    /** The segments, in ascending order. */
    List<PhysicalSegment> segments() {
        return List.of(segments);
    }

    /** The segment of a page that was made at boot. */
    PhysicalSegment segment(VmPage page) {
        return segments[page.segment];
    }

    /** The page of {@code frame}; null when that is not general memory ({@code PHYS_TO_VM_PAGE}). */
    @Nullable
    VmPage page(int frame) {
        for (PhysicalSegment segment : segments) {
            if (segment.contains(frame)) {
                return segment.page(frame);
            }
        }
        return null;
    }
}
