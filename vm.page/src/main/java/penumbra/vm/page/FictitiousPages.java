// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MemorySegment;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelPanic;
import penumbra.page.PageFlags;

/**
 * The pages that were made for device memory, whoever owns them now ({@code vm_page_getfake}, {@code fakepg_zone}), and
 * for each frame of a device the managed one ({@code vm_phys_fictitious_segs}). Thread-safe; takes no lock.
 */
final class FictitiousPages {
    private record Frames(MemorySegment segment, AtomicReferenceArray<@Nullable VmPage> managed) {}

    private final List<Frames> devices = new ArrayList<>();
    private final Set<VmPage> all = ConcurrentHashMap.newKeySet();

    /** None yet, for the device segments of {@code memory}. */
    FictitiousPages(PhysicalMemory memory) {
        for (MemorySegment segment : memory.segments()) {
            if (segment.use() == SegmentUse.DEVICE) {
                devices.add(new Frames(segment, new AtomicReferenceArray<>(segment.frames())));
            }
        }
    }

    /** Those that exist. */
    Set<VmPage> all() {
        return all;
    }

    /** Adds an unmanaged page. */
    void add(VmPage page) {
        all.add(page);
    }

    /** Adds a managed page, unless its frame is not on a device or has one already; returns whether it did. */
    boolean addManaged(VmPage page) {
        @Nullable Frames frames = frames(page.frame());
        if (frames == null || !frames.managed.compareAndSet(index(frames, page.frame()), null, page)) {
            return false;
        }
        all.add(page);
        return true;
    }

    /** The managed page of {@code frame}; null when it has none. */
    @Nullable
    VmPage managed(int frame) {
        @Nullable Frames frames = frames(frame);
        return frames == null ? null : frames.managed.get(index(frames, frame));
    }

    /** Forgets {@code page}; panics when it is not one of these. */
    void remove(VmPage page) {
        if (!page.has(PageFlags.FICTITIOUS) || !all.remove(page)) {
            throw new KernelPanic("vm_page_putfake: bad page %s", page);
        }
        @Nullable Frames frames = frames(page.frame());
        if (frames != null && page.managed()) {
            frames.managed.set(index(frames, page.frame()), null);
        }
    }

    private static int index(Frames frames, int frame) {
        return frame - frames.segment.firstFrame();
    }

    private @Nullable Frames frames(int frame) {
        for (Frames frames : devices) {
            if (frame >= frames.segment.firstFrame() && frame < frames.segment.endFrame()) {
                return frames;
            }
        }
        return null;
    }
}
