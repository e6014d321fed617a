// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Advice;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.ResidentPages;

/**
 * What WILLNEED, DONTNEED and FREE do to the pages of a range, wherever in the chain they are
 * ({@code vm_object_madvise}).
 */
final class Advising {
    private final ObjectCore core;

    Advising(ObjectCore core) {
        this.core = core;
    }

    /**
     * Advises on {@code [start, end)}. Unlocked; may block. Takes time in proportion to the pages that are there, not
     * to the range.
     */
    void advise(MemoryObject object, long start, long end, Advice advice) {
        object.lock().lock();
        long index = start;
        while (index < end && applies(object, advice) && !wouldRewind(object, advice)) {
            index += adviseAt(object, index, end - index, advice);
        }
        object.lock().unlock();
    }

    /** FREE is for anonymous memory that is mapped once; the rest for whatever has managed pages. */
    private static boolean applies(MemoryObject object, Advice advice) {
        return advice == Advice.FREE
                ? object.type().anonymous() && object.has(ObjectFlags.ONEMAPPING)
                : !object.unmanaged();
    }

    /**
     * Whether a page freed here would uncover an older one, as in the original; mended, FREE then does nothing, which
     * it always may.
     */
    private boolean wouldRewind(MemoryObject object, Advice advice) {
        return core.corrected() && advice == Advice.FREE && object.backing() != null;
    }

    /**
     * Advises on the page that shows at {@code index}, or passes over the gap there. {@code top} is locked; the lock
     * may be dropped.
     *
     * @param most how far the range goes
     * @return how many pages are done: 0 when the page was busy and has to be looked for again
     */
    private long adviseAt(MemoryObject top, long index, long most, Advice advice) {
        MemoryObject object = top;
        long at = index;
        long gap = most;
        @Nullable Page page = find(object, at, advice);
        while (page == null) {
            gap = Math.min(gap, distanceToNext(object, at, gap, advice));
            if (advice == Advice.FREE && object.type() == ObjectType.SWAP) {
                core.swap().freeSpace(object, at, gap);
            }
            @Nullable MemoryObject behind = object.backing();
            if (behind == null) {
                break;
            }
            behind.lock().lock();
            at += object.backingOffset();
            unlockUnless(object, top);
            object = behind;
            if (!applies(object, advice)) {
                break;
            }
            page = find(object, at, advice);
        }
        long done = page == null ? gap : 1;
        if (page != null && usable(page)) {
            if (page.busied()) {
                return waitUntilFree(top, object, page, advice);
            }
            apply(object, page, at, advice);
        }
        unlockUnless(object, top);
        return done;
    }

    private static void unlockUnless(MemoryObject object, MemoryObject top) {
        if (object != top) {
            object.lock().unlock();
        }
    }

    private @Nullable Page find(MemoryObject object, long at, Advice advice) {
        @Nullable Page page = object.pages().lookup(at);
        return page == null && advice == Advice.WILLNEED
                ? core.pages().alloc(object, at, Alloc.IFCACHED | Alloc.NOBUSY)
                : page;
    }

    /** How many pages from {@code at} on, at most {@code most}, are certain not to be found here. */
    private static long distanceToNext(MemoryObject object, long at, long most, Advice advice) {
        ResidentPages pages = object.pages();
        @Nullable Page resident = pages.findLeast(at);
        long distance = resident == null ? most : resident.pindex() - at;
        if (advice == Advice.WILLNEED && !pages.cacheEmpty()) {
            // The cached page at this very index, if any, could not be had: there is always progress.
            @Nullable Page cached = pages.findLeastCached(at + 1);
            distance = cached == null ? distance : Math.min(distance, cached.pindex() - at);
        }
        return distance;
    }

    /** Whether the page is in a state that advice can change. */
    private static boolean usable(Page page) {
        if (page.valid() != Page.ALL || page.holdCount() != 0 || page.wireCount() != 0) {
            return false;
        }
        if ((page.flags() & PageFlags.FICTITIOUS) != 0 || !page.managed()) {
            throw new KernelPanic("madvise: page %d is fictitious or not managed", page.pindex());
        }
        return true;
    }

    /** Sleeps until a page may be free; {@code top} is locked on return. */
    private static long waitUntilFree(MemoryObject top, MemoryObject object, Page page, Advice advice) {
        if (advice == Advice.WILLNEED) {
            // Until then the daemon should leave it alone.
            page.setAflags(PageFlags.A_REFERENCED);
        }
        if (object != top) {
            top.lock().unlock();
        }
        page.busySleep("madvpo");
        top.lock().lock();
        return 0;
    }

    private void apply(MemoryObject object, Page page, long at, Advice advice) {
        if (advice == Advice.WILLNEED) {
            page.activate();
            return;
        }
        page.advise(advice);
        if (advice == Advice.FREE) {
            core.freeSwap(object, at, 1);
        }
    }
}
