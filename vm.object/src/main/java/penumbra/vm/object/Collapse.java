// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.kern.Counter;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;

/**
 * How chains get shorter: an object swallows the one behind it when it is its only user, or leaves it out of its chain
 * when it can see nothing of it ({@code vm_object_collapse}).
 */
final class Collapse {
    private final ObjectCore core;
    private final Counter collapses = new Counter("vm.stats.object.collapses");
    private final Counter bypasses = new Counter("vm.stats.object.bypasses");

    Collapse(ObjectCore core) {
        this.core = core;
    }

    long collapses() {
        return collapses.get();
    }

    long bypasses() {
        return bypasses.get();
    }

    /**
     * Shortens the chain behind {@code object} as far as possible. Locked, and referenced by the caller; may drop the
     * lock.
     */
    void collapse(MemoryObject object) {
        object.lock().assertHeld();
        boolean again;
        do {
            again = shorten(object);
        } while (again);
    }

    /** Deals with the object right behind; returns whether to look again. */
    private boolean shorten(MemoryObject object) {
        @Nullable MemoryObject backing = object.backing();
        if (backing == null) {
            return false;
        }
        backing.lock().lock();
        if (!mayTakePart(backing) || !mayTakePart(object)) {
            backing.lock().unlock();
            return false;
        }
        if (object.pagingInProgress() != 0 || backing.pagingInProgress() != 0) {
            takeIdlePages(object, backing);
            backing.lock().unlock();
            return false;
        }
        return backing.refCount() == 1 ? swallow(object, backing) : bypass(object, backing);
    }

    private static boolean mayTakePart(MemoryObject object) {
        return object.plain() && !object.has(ObjectFlags.DEAD);
    }

    /**
     * Merges {@code backing} into its only user; both locked on entry, {@code object} on return. Returns whether to
     * look again.
     */
    private boolean swallow(MemoryObject object, MemoryObject backing) {
        if (!takeAllPages(object, backing)) {
            return true;
        }
        backing.setFlag(ObjectFlags.DEAD);
        if (!backing.pages().reservationsEmpty()) {
            core.pages().breakReservations(backing);
        }
        if (backing.type() == ObjectType.SWAP) {
            core.swap().copy(backing, object, object.backingOffset(), true);
            if (!backing.pages().cacheEmpty()) {
                core.pages().cacheFree(backing, 0, 0);
            }
        }
        object.unlinkBacking();
        @Nullable MemoryObject behind = backing.backing();
        if (behind != null) {
            behind.lock().lock();
            backing.unlinkBacking();
            object.linkBacking(behind);
            behind.lock().unlock();
        }
        object.setBackingOffset(object.backingOffset() + backing.backingOffset());
        if (backing.forgetReference() != 0) {
            throw new KernelPanic("collapse: %s was referenced again meanwhile", backing);
        }
        backing.lock().unlock();
        core.termination().destroy(backing);
        collapses.increment();
        return true;
    }

    /** Leaves {@code backing}, which has other users, out of the chain if nothing of it shows; both locked on entry. */
    private boolean bypass(MemoryObject object, MemoryObject backing) {
        if (object.pages().count() != object.size() && !allShadowed(object, backing)) {
            backing.lock().unlock();
            return false;
        }
        object.unlinkBacking();
        @Nullable MemoryObject behind = backing.backing();
        if (behind != null) {
            behind.lock().lock();
            object.linkBacking(behind);
            behind.referenceLocked();
            behind.lock().unlock();
            object.setBackingOffset(object.backingOffset() + backing.backingOffset());
        }
        backing.forgetReference();
        backing.lock().unlock();
        bypasses.increment();
        return true;
    }

    /**
     * Whether {@code object} has its own copy of every page of {@code backing} that it could see
     * ({@code vm_object_backing_scan} with {@code OBSC_TEST_ALL_SHADOWED}). Pages of {@code backing} in swap are not
     * looked at: an object that was paged out is never left out. Both locked.
     */
    private boolean allShadowed(MemoryObject object, MemoryObject backing) {
        if (backing.type() != ObjectType.DEFAULT) {
            return false;
        }
        long offset = object.backingOffset();
        for (@Nullable Page page = backing.pages().findLeast(offset);
                page != null && page.pindex() - offset < object.size();
                page = backing.pages().after(page)) {
            long index = page.pindex() - offset;
            @Nullable Page own = object.pages().lookup(index);
            if ((own == null || own.valid() == 0) && !core.swapped(object, index)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Moves every page of {@code backing} that {@code object} lacks and frees the others
     * ({@code vm_object_backing_scan} with {@code OBSC_COLLAPSE_WAIT}). Both locked on entry.
     *
     * @return whether it is done, both still locked; if not, it had to wait, only {@code object} is locked, and
     *     anything may have changed. The pages moved so far are where they would be seen anyway.
     */
    private boolean takeAllPages(MemoryObject object, MemoryObject backing) {
        @Nullable Page next;
        for (@Nullable Page page = backing.pages().first(); page != null; page = next) {
            next = backing.pages().after(page);
            if (page.busied()) {
                object.lock().unlock();
                page.busySleep("vmocol");
                object.lock().lock();
                return false;
            }
            long index = page.pindex() - object.backingOffset();
            if (!inRange(object, index) || object.pages().lookup(index) != null || core.swapped(object, index)) {
                discard(backing, page);
            } else if (!move(object, backing, page, index)) {
                backing.lock().unlock();
                object.lock().unlock();
                core.pages().waitForMemory("vmwait");
                object.lock().lock();
                return false;
            }
        }
        return true;
    }

    /**
     * Does what can be done without waiting while pages are on their way: the same for pages that nobody uses
     * ({@code vm_object_qcollapse}). Both locked.
     */
    private void takeIdlePages(MemoryObject object, MemoryObject backing) {
        if (backing.refCount() != 1) {
            return;
        }
        @Nullable Page next;
        for (@Nullable Page page = backing.pages().first(); page != null; page = next) {
            next = backing.pages().after(page);
            if (page.valid() == 0 || page.busied()) {
                continue;
            }
            long index = page.pindex() - object.backingOffset();
            @Nullable Page own = inRange(object, index) ? object.pages().lookup(index) : null;
            if (own != null && own.valid() == 0) {
                // A fault is about to copy the page behind, so that one stays; the original loses its swapped copy.
                if (!core.corrected()) {
                    core.freeSwap(backing, page.pindex(), 1);
                }
            } else if (!inRange(object, index) || own != null || core.swapped(object, index)) {
                discard(backing, page);
            } else {
                move(object, backing, page, index);
            }
        }
    }

    private static boolean inRange(MemoryObject object, long index) {
        return index >= 0 && index < object.size();
    }

    /** Frees a page of {@code backing} that nobody can see any more; a wired one just leaves. */
    private void discard(MemoryObject backing, Page page) {
        core.freeSwap(backing, page.pindex(), 1);
        if (core.pmaps().isMapped(page)) {
            throw new KernelPanic("freeing mapped page 0x%x", page.physicalAddress());
        }
        if (page.wireCount() == 0) {
            core.pages().free(page);
        } else {
            core.pages().remove(page);
        }
    }

    /** Moves a page up, mappings and all; false when there was no memory for the trie. */
    private boolean move(MemoryObject object, MemoryObject backing, Page page, long index) {
        long oldIndex = page.pindex();
        if (!core.pages().rename(page, object, index)) {
            return false;
        }
        // The page is dirty now, so its swapped copy is worthless; the original frees that of another page.
        core.freeSwap(backing, core.corrected() ? oldIndex : index, 1);
        core.pages().renameReservation(page, object, backing, object.backingOffset());
        return true;
    }
}
