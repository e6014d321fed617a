// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;

/** How objects get apart: a shadow for what will be written, or an object of its own for what one mapping uses. */
final class Split {
    private final ObjectCore core;

    Split(ObjectCore core) {
        this.core = core;
    }

    /**
     * Puts a new object in front of {@code source}, unless that is private already ({@code vm_object_shadow}).
     * Unlocked.
     */
    MemoryObject shadow(@Nullable MemoryObject source, long offset, long length) {
        if (source != null && isPrivate(source)) {
            return source;
        }
        MemoryObject result = core.table().allocate(ObjectType.DEFAULT, length);
        result.setBackingOffset(offset);
        if (source != null) {
            // The caller's reference to the source becomes the new object's.
            source.lock().lock();
            result.linkBacking(source);
            result.inheritColor(source, offset);
            source.lock().unlock();
        }
        return result;
    }

    private static boolean isPrivate(MemoryObject source) {
        source.lock().lock();
        boolean only = source.refCount() == 1 && source.plain();
        source.lock().unlock();
        return only;
    }

    /**
     * Moves {@code [offset, offset + length)} of a shared anonymous object into a new one, pages, swapped copies,
     * cached pages and charge ({@code vm_object_split}). {@code original} locked on entry, the result on return; may
     * block.
     */
    MemoryObject split(MemoryObject original, long offset, long length) {
        original.lock().assertHeld();
        if (!original.type().anonymous() || original.refCount() <= 1) {
            return original;
        }
        original.lock().unlock();
        MemoryObject fresh = core.table().allocate(ObjectType.DEFAULT, length);
        fresh.lock().lock();
        original.lock().lock();
        if (!shareBacking(original, fresh, offset)) {
            original.lock().unlock();
            fresh.lock().unlock();
            fresh.deallocate();
            original.lock().lock();
            return original;
        }
        original.moveCharge(fresh, PageSize.bytes(length));
        while (!movePages(original, fresh, offset)) {
            // Waited: what was next may be gone, and new pages may have come.
        }
        if (original.type() == ObjectType.SWAP) {
            core.swap().copy(original, fresh, offset, false);
        }
        for (@Nullable Page page = fresh.pages().first();
                page != null;
                page = fresh.pages().after(page)) {
            page.xunbusy();
        }
        if (!original.pages().cacheEmpty()) {
            core.pages().cacheTransfer(original, offset, fresh);
        }
        original.lock().unlock();
        fresh.lock().unlock();
        original.deallocate();
        fresh.lock().lock();
        return fresh;
    }

    /** Puts {@code fresh} in front of what is behind {@code original}; false when that is dying. Both locked. */
    private static boolean shareBacking(MemoryObject original, MemoryObject fresh, long offset) {
        @Nullable MemoryObject source = original.backing();
        if (source == null) {
            return true;
        }
        source.lock().lock();
        boolean alive = !source.has(ObjectFlags.DEAD);
        if (alive) {
            fresh.linkBacking(source);
            fresh.setBackingOffset(original.backingOffset() + offset);
            source.referenceLocked();
            source.clearFlag(ObjectFlags.ONEMAPPING);
        }
        source.lock().unlock();
        return alive;
    }

    /**
     * Moves the resident pages of the range, each busy until its swapped copy has followed. Both locked.
     *
     * @return false when it had to wait, with both unlocked meanwhile
     */
    private boolean movePages(MemoryObject original, MemoryObject fresh, long offset) {
        @Nullable Page next;
        for (@Nullable Page page = original.pages().findLeast(offset);
                page != null && page.pindex() - offset < fresh.size();
                page = next) {
            next = original.pages().after(page);
            if (page.busied()) {
                fresh.lock().unlock();
                page.busySleep("spltwt");
                original.lock().lock();
                fresh.lock().lock();
                return false;
            }
            if (!core.pages().rename(page, fresh, page.pindex() - offset)) {
                fresh.lock().unlock();
                original.lock().unlock();
                core.pages().waitForMemory("vmwait");
                original.lock().lock();
                fresh.lock().lock();
                return false;
            }
            core.pages().renameReservation(page, fresh, original, offset);
            page.xbusy();
        }
        return true;
    }
}
