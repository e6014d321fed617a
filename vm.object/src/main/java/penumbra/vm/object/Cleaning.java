// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.object.ObjectFlags;
import penumbra.object.PageoutFlush;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.pager.PagerFlags;

/** One cleaning of a file object: writes the dirty pages of a range, in clusters ({@code vm_object_page_clean}). */
final class Cleaning {
    private final ObjectCore core;
    private final MemoryObject object;
    private final boolean sync;
    private final boolean skipNosync;
    private final int pagerFlags;
    private final Page[] cluster;
    private final PageoutFlush flushed = new PageoutFlush();

    /** The object's generation when the scan began. */
    private int generation;

    /** Whether the object will be known to be clean, if nothing comes in between. */
    private boolean allClean;

    private boolean allWritten = true;

    /** @param flags {@code CLEAN_} bits of {@link ObjectFlags} */
    Cleaning(ObjectCore core, MemoryObject object, int flags) {
        this.core = core;
        this.object = object;
        sync = (flags & ObjectFlags.CLEAN_SYNC) != 0;
        skipNosync = (flags & ObjectFlags.CLEAN_NOSYNC) != 0;
        boolean invalidate = (flags & ObjectFlags.CLEAN_INVAL) != 0;
        pagerFlags = (sync || invalidate ? PagerFlags.PUT_SYNC : PagerFlags.CLUSTER_OK)
                | (invalidate ? PagerFlags.PUT_INVAL : 0);
        cluster = new Page[core.pages().limits().pageoutPageCount()];
    }

    /**
     * Writes the dirty pages of {@code [start, end)}, all for end 0. Locked; drops the lock. The might-be-dirty flag is
     * cleared when the whole object turned out clean.
     *
     * @return false when some page was not written
     */
    boolean clean(long start, long end) {
        object.lock().assertHeld();
        if (!object.has(ObjectFlags.MIGHTBEDIRTY) || object.pages().count() == 0) {
            return true;
        }
        long limit = end == 0 ? object.size() : end;
        allClean = start == 0 && limit >= object.size();
        boolean complete;
        do {
            complete = scan(start, limit);
        } while (!complete);
        if (allClean) {
            object.clearFlag(ObjectFlags.MIGHTBEDIRTY);
        }
        return allWritten;
    }

    /** Writes what is dirty from {@code start} to {@code limit}; false when it has to be done all over again. */
    private boolean scan(long start, long limit) {
        generation = object.generation();
        @Nullable Page next;
        for (@Nullable Page page = object.pages().findLeast(start);
                page != null && page.pindex() < limit;
                page = next) {
            long index = page.pindex();
            next = object.pages().after(page);
            if (page.valid() == 0) {
                continue;
            }
            if (page.sleepIfBusy("vpcwai")) {
                if (mustStartOver()) {
                    return false;
                }
                next = object.pages().findLeast(index);
            } else if (protect(page)) {
                long done = writeCluster(page);
                if (mustStartOver()) {
                    return false;
                }
                next = object.pages().findLeast(index + done);
            }
        }
        return true;
    }

    /**
     * Notes, after the lock was dropped, whether pages may have been dirtied behind the scan. The original then starts
     * a synchronous scan over, for ever if writers are quick enough; mended, one scan suffices, since it meets every
     * page that was dirty when the call was made, and the flag stays set for the others.
     */
    private boolean mustStartOver() {
        if (object.generation() == generation) {
            return false;
        }
        if (sync && !core.corrected()) {
            return true;
        }
        allClean = false;
        return false;
    }

    /**
     * Write-protects a page that is going to be written; returns whether it is dirty
     * ({@code vm_object_page_remove_write}).
     */
    private boolean protect(Page page) {
        if (skipNosync && (page.oflags() & PageFlags.O_NOSYNC) != 0) {
            allClean = false;
            return false;
        }
        core.pmaps().removeWrite(page);
        return page.dirty() != 0;
    }

    /**
     * Writes a dirty page with its dirty neighbours, those behind it first ({@code vm_object_page_collect_flush}).
     *
     * @return how many pages from {@code page} on are dealt with, at least 1
     */
    private long writeCluster(Page page) {
        int count = 1;
        for (Page tail = page; count < cluster.length; count++) {
            @Nullable Page neighbour = object.pages().next(tail);
            if (neighbour == null || neighbour.busied() || !protect(neighbour)) {
                break;
            }
            tail = neighbour;
        }
        Page first = page;
        int requested = 0;
        for (; count < cluster.length; count++) {
            @Nullable Page neighbour = object.pages().previous(first);
            if (neighbour == null || neighbour.busied() || !protect(neighbour)) {
                break;
            }
            first = neighbour;
            requested++;
        }
        @Nullable Page member = first;
        for (int i = 0; i < count && member != null; i++) {
            cluster[i] = member;
            member = object.pages().next(member);
        }
        core.flush(object, cluster, count, pagerFlags, requested, flushed);
        if (flushed.ioError()) {
            allWritten = false;
            allClean = false;
        }
        if (flushed.runLength() == 0) {
            // Whatever keeps the pager from writing this page may stay: leave it behind, or this would never end.
            allClean = false;
            if (core.corrected()) {
                allWritten = false;
            }
            return 1;
        }
        return flushed.runLength();
    }
}
