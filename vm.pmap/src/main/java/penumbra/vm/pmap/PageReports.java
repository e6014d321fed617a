// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MemorySegment;
import penumbra.hw.MmuReports;
import penumbra.hw.PageOfFrame;
import penumbra.hw.PhysicalPage;
import penumbra.hw.Prot;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelPanic;

/** The way of what an MMU reports of frames to the pages. */
final class PageReports implements MmuReports {
    private final List<MemorySegment> mapped;
    private volatile @Nullable PageOfFrame pages;
    private volatile boolean optimised;

    /** Reports about frames of {@code segments}, which nobody wants to know yet. */
    PageReports(List<MemorySegment> segments) {
        this.mapped = segments.stream()
                .filter(segment -> segment.use() == SegmentUse.GENERAL || segment.use() == SegmentUse.DEVICE)
                .toList();
    }

    /** Tells where the page of a frame is found; null when nobody wants to know any more. */
    void setPages(@Nullable PageOfFrame known) {
        pages = known;
    }

    /** Says whether MMUs may be less than exact. */
    void setOptimised(boolean may) {
        optimised = may;
    }

    @Override
    public boolean optimised() {
        return optimised;
    }

    @Override
    public void modified(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.noteModified();
        }
    }

    @Override
    public void referenced(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.noteReferenced();
        }
    }

    @Override
    public void unmapped(int frame) {
        PhysicalPage page = page(frame);
        if (page != null) {
            page.setWriteable(false);
        }
    }

    /** Marks the page of a managed frame that has been mapped with the rights {@code prot}. */
    void mapped(int frame, int prot) {
        PhysicalPage page = page(frame);
        if (page != null) {
            noteMapping(page, prot);
        }
    }

    /**
     * Marks a managed page that has been mapped. This comes after the mapping, since the last of the others may vanish
     * and take the mark with it until then; the page is busy, or its owner locked, so that nobody relies on the mark
     * meanwhile.
     */
    static void noteMapping(PhysicalPage page, int prot) {
        if (!page.managed()) {
            return;
        }
        if ((prot & Prot.WRITE) != 0) {
            page.setWriteable(true);
        }
        if ((prot & Prot.EXECUTE) != 0) {
            page.noteExecutable();
        }
    }

    /** A place for a page that is held while nobody can take its mapping away. */
    Held held() {
        return new Held();
    }

    /** The page, held, of the first frame that it is told of and that has one. */
    final class Held implements IntConsumer {
        private @Nullable PhysicalPage page;

        private Held() {}

        @Override
        public void accept(int frame) {
            PageOfFrame known = pages;
            PhysicalPage found = known == null || page != null ? null : known.page(frame);
            if (found != null) {
                found.hold();
                page = found;
            }
        }

        @Nullable
        PhysicalPage page() {
            return page;
        }
    }

    /**
     * Takes the mark from every page that is marked writeable; {@code modified} says whether to take those for
     * modified.
     */
    void unmarkAll(boolean modified) {
        PageOfFrame known = pages;
        if (known == null) {
            return;
        }
        for (MemorySegment segment : mapped) {
            for (int frame = segment.firstFrame(); frame < segment.endFrame(); frame++) {
                PhysicalPage page = known.page(frame);
                if (page != null && page.writeable()) {
                    if (modified) {
                        page.noteModified();
                    }
                    page.setWriteable(false);
                }
            }
        }
    }

    /** The page of a managed frame; null when the page layer has gone and nobody wants to know any more. */
    private @Nullable PhysicalPage page(int frame) {
        PageOfFrame known = pages;
        if (known == null) {
            return null;
        }
        PhysicalPage page = known.page(frame);
        if (page == null) {
            throw new KernelPanic("pmap: managed frame %#x belongs to no page", frame);
        }
        return page;
    }
}
