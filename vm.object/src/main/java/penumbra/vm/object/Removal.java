// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.page.Page;
import penumbra.page.PageFlags;

/** How a range of an object loses its pages, to nowhere or to the cache. */
final class Removal {
    private final ObjectCore core;

    Removal(ObjectCore core) {
        this.core = core;
    }

    /**
     * Frees or invalidates pages ({@code vm_object_page_remove}); the contract is {@link MemoryObject#pageRemove}'s.
     */
    void remove(MemoryObject object, long start, long end, int options) {
        object.lock().assertHeld();
        int mapping = options & (ObjectFlags.REMOVE_CLEANONLY | ObjectFlags.REMOVE_NOTMAPPED);
        if (object.unmanaged() && mapping != ObjectFlags.REMOVE_NOTMAPPED) {
            throw new KernelPanic("page_remove: options %x are illegal for %s", options, object);
        }
        if (object.pages().count() != 0) {
            object.pipAdd(1);
            removeResident(object, start, end, options);
            object.pipWakeup(1);
        }
        if (!object.pages().cacheEmpty()) {
            core.pages().cacheFree(object, start, end);
        }
    }

    private void removeResident(MemoryObject object, long start, long end, int options) {
        @Nullable Page next;
        for (@Nullable Page page = object.pages().findLeast(start);
                page != null && (end == 0 || page.pindex() < end);
                page = next) {
            long index = page.pindex();
            next = object.pages().after(page);
            @Nullable String wait = removeOne(page, options);
            if (wait != null) {
                page.busySleep(wait);
                object.lock().lock();
                next = object.pages().findLeast(index);
            }
        }
    }

    /** Frees, invalidates or spares one page; returns the wait message when it is busy and has to be waited for. */
    private @Nullable String removeOne(Page page, int options) {
        if (page.xbusied()) {
            return "vmopax";
        }
        int wired = page.wireCount();
        int wirings = wired == 0 ? 0 : core.pmaps().wiredMappings(page);
        if (wirings != wired) {
            invalidateWired(page, wirings, options);
            return null;
        }
        if (page.busied()) {
            return "vmopar";
        }
        if ((page.flags() & PageFlags.FICTITIOUS) != 0) {
            throw new KernelPanic("page_remove: page %d is fictitious and not wired", page.pindex());
        }
        boolean mapped = (options & ObjectFlags.REMOVE_NOTMAPPED) == 0;
        if ((options & ObjectFlags.REMOVE_CLEANONLY) != 0 && page.valid() != 0) {
            if (mapped) {
                core.pmaps().removeWrite(page);
            }
            if (page.dirty() != 0) {
                return null;
            }
        }
        if (mapped) {
            if ((options & ObjectFlags.REMOVE_NOTWIRED) != 0 && wirings != 0) {
                return null;
            }
            core.pmaps().removeAll(page);
            if (wirings != 0 && core.corrected()) {
                // Those who wired it will unwire it, whatever became of its contents.
                emptyUnlessClean(page, options);
                return null;
            }
            if (wirings != 0) {
                page.forgetWirings(wirings);
            }
        }
        core.pages().free(page);
        return null;
    }

    /**
     * Takes the contents from a page that is wired by more than its mappings, such as a fictitious one, and leaves it.
     */
    private void invalidateWired(Page page, int wirings, int options) {
        if ((options & (ObjectFlags.REMOVE_NOTWIRED | ObjectFlags.REMOVE_NOTMAPPED)) == 0) {
            core.pmaps().removeAll(page);
            if (wirings != 0) {
                page.forgetWirings(wirings);
            }
        }
        emptyUnlessClean(page, options);
    }

    private static void emptyUnlessClean(Page page, int options) {
        if ((options & ObjectFlags.REMOVE_CLEANONLY) == 0) {
            page.setValid(0);
            page.undirty();
        }
    }

    /** Moves clean pages to the cache ({@code vm_object_page_cache}). Locked. */
    void cache(MemoryObject object, long start, long end) {
        object.lock().assertHeld();
        if (object.has(ObjectFlags.FICTITIOUS | ObjectFlags.UNMANAGED)) {
            throw new KernelPanic("page_cache: illegal for %s", object);
        }
        @Nullable Page next;
        for (@Nullable Page page = object.pages().findLeast(start);
                page != null && (end == 0 || page.pindex() < end);
                page = next) {
            next = object.pages().after(page);
            page.tryToCache();
        }
    }
}
