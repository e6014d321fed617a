// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.page.Alloc;
import penumbra.page.PageFlags;

/**
 * The memory that nobody uses: free pages, and cached pages, which are free and still have an identity.
 *
 * <p>One lock, of rank FREE_LIST, guards the lists of blocks, the reservations, every owner's trie of cached pages, and
 * the counts; each method takes it, except that a thread which fills a reservation while memory is plentiful is allowed
 * some pages in advance, and takes those under the reservation's lock alone.
 */
final class FreeMemory extends Apart {
    private static final VarHandle FREE;
    private static final VarHandle CACHED;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            FREE = lookup.findVarHandle(FreeMemory.class, "free", int.class);
            CACHED = lookup.findVarHandle(FreeMemory.class, "cached", int.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private final KernelLock lock = new KernelLock(LockRank.FREE_LIST, "vm page free queue");
    private final BuddyAllocator buddy;
    private final Reservations reservations;
    private final Shortage shortage;
    private final Allowances allowances = new Allowances();
    /** Free pages without which nothing is allowed in advance. */
    private final int plenty;
    /** Without those that are allowed to somebody. */
    private int free;

    private int cached;
    /** Whether something is allowed to somebody. */
    private boolean allowed;

    private long freed;
    private long cachedEver;
    private long reactivated;

    /** Memory of which every page is free; while fewer than {@code plenty} are, the counts are exact at any time. */
    FreeMemory(PageArray pages, Shortage shortage, int plenty) {
        this.buddy = new BuddyAllocator(pages);
        this.reservations = new Reservations(pages, buddy);
        this.shortage = shortage;
        this.plenty = plenty;
        for (PhysicalSegment segment : pages.segments()) {
            for (int frame = segment.firstFrame(); frame < segment.endFrame(); frame++) {
                VmPage page = segment.page(frame);
                page.setFlags(PageFlags.FREE);
                buddy.free(page, 0);
            }
        }
        this.free = pages.count();
    }

    KernelLock lock() {
        return lock;
    }

    BuddyAllocator buddy() {
        return buddy;
    }

    Reservations reservations() {
        return reservations;
    }

    /** Pages that are free and have no identity. */
    int free() {
        // In this order it is rather too much for a moment than too little.
        int inAdvance = allowances.sum();
        return inAdvance + (int) FREE.getOpaque(this);
    }

    /** Pages that are free and have one. */
    int cached() {
        return (int) CACHED.getOpaque(this);
    }

    int available() {
        return free() + cached();
    }

    /** Whether fewer than {@code limit} pages are available. */
    boolean isBelow(int limit) {
        return (int) FREE.getOpaque(this) + cached() < limit && available() < limit;
    }

    /** Pages given back since boot ({@code v_tfree}). */
    long freed() {
        return freed;
    }

    /** Pages cached since boot ({@code v_tcached}). */
    long cachedEver() {
        return cachedEver;
    }

    /** Cached pages that were wanted again ({@code v_reactivated}). */
    long reactivated() {
        return reactivated;
    }

    private void countFree(int change) {
        FREE.setOpaque(this, free + change);
    }

    private void countCached(int change) {
        CACHED.setOpaque(this, cached + change);
    }

    /**
     * Takes a page that may stand for (set, pindex): the cached page with that identity, one of a reservation, or any.
     * It has no owner, and valid bits only if it was cached for this very place.
     *
     * @param set whose page it is to be; null for nobody's
     * @param predecessor the resident page before {@code pindex}
     * @param request {@link Alloc} bits
     * @param reserve how many available pages must be left alone
     * @return null when memory is short, which has been reported, or when the request's condition fails
     */
    @Nullable
    VmPage take(@Nullable ResidentSet set, long pindex, @Nullable VmPage predecessor, int request, int reserve) {
        if (set != null && predecessor != null && (request & Alloc.IFCACHED) == 0 && set.cacheEmpty()) {
            VmPage next = reservations.allocateNext(set, pindex, predecessor, allowances);
            if (next != null) {
                return next;
            }
        }
        lock.lock();
        settle();
        if (free + cached <= reserve) {
            lock.unlock();
            shortage.failed(Math.max(Alloc.countOf(request), 1));
            return null;
        }
        VmPage page = choose(set, pindex, predecessor, request);
        if (page != null) {
            claim(page, set, pindex);
            allow(set);
        }
        lock.unlock();
        return page;
    }

    /** Takes back what is allowed to anybody if memory is short. */
    private void settle() {
        if (allowed && free < plenty) {
            allowed = false;
            countFree(allowances.takeBack());
        }
    }

    /** Lets the caller take some of the next pages of {@code set} without the lock if memory is plentiful. */
    private void allow(@Nullable ResidentSet set) {
        if (set != null && set.reservations != null && free - Allowances.PAGES >= plenty && allowances.usedUp()) {
            countFree(-Allowances.PAGES);
            allowances.add(Allowances.PAGES);
            allowed = true;
        }
    }

    private @Nullable VmPage choose(@Nullable ResidentSet set, long pindex, @Nullable VmPage predecessor, int request) {
        VmPage kept = set == null || set.cached.isEmpty() ? null : set.cached.lookup(pindex);
        if (kept != null) {
            if ((request & Alloc.IFNOTCACHED) != 0) {
                return null;
            }
            if (buddy.unfree(kept)) {
                buddy.setPool(kept, 0, BuddyAllocator.DEFAULT);
            } else if (!reservations.reactivate(kept)) {
                throw new KernelPanic("vm_page_alloc: cache page %s is missing from the free queue", kept);
            }
            return kept;
        }
        if ((request & Alloc.IFCACHED) != 0) {
            return null;
        }
        if (set != null && set.owner().colored() && !set.owner().fictitious()) {
            VmPage reserved = reservations.allocate(set, pindex, predecessor);
            if (reserved != null) {
                return reserved;
            }
        }
        int pool = set == null ? BuddyAllocator.DIRECT : BuddyAllocator.DEFAULT;
        VmPage any = buddy.allocate(pool, 0);
        if (any == null && reservations.reclaimInactive()) {
            any = buddy.allocate(pool, 0);
        }
        if (any == null) {
            throw new KernelPanic("vm_page_alloc: missing page with %d free and %d cached", free, cached);
        }
        return any;
    }

    private void claim(VmPage page, @Nullable ResidentSet set, long pindex) {
        if (page.has(PageFlags.CACHED)) {
            boolean wanted = page.home == set && page.pindex == pindex;
            if (wanted) {
                reactivated++;
            } else {
                page.setValid(0);
            }
            uncache(page);
        } else if (page.has(PageFlags.FREE)) {
            countFree(-1);
        } else {
            throw new KernelPanic("vm_page_alloc: %s is in use", page);
        }
    }

    /** Takes the identity of a cached page away ({@code vm_page_cache_remove}). */
    private void uncache(VmPage page) {
        ResidentSet set = page.home;
        if (set == null || set.cached.remove(page.pindex) != page) {
            throw new KernelPanic("vm_page_cache_remove: %s is not cached", page);
        }
        page.home = null;
        page.clearFlags(PageFlags.CACHED);
        countCached(-1);
        if (set.cached.isEmpty()) {
            set.owner().dropBacking();
        }
    }

    /** Takes a page back that has no owner. */
    void give(VmPage page) {
        lock.lock();
        giveLocked(page);
        shortage.freed(free + cached);
        lock.unlock();
    }

    /** Takes back {@code count} pages of a list, as {@link #give} does. */
    void giveAll(VmPage[] pages, int count) {
        lock.lock();
        for (int i = 0; i < count; i++) {
            giveLocked(pages[i]);
        }
        shortage.freed(free + cached);
        lock.unlock();
    }

    private void giveLocked(VmPage page) {
        if (page.has(PageFlags.FREE | PageFlags.CACHED)) {
            throw new KernelPanic("vm_page_free: %s is free", page);
        }
        page.setFlags(PageFlags.FREE);
        countFree(1);
        freed++;
        if (!reservations.free(page)) {
            buddy.free(page, 0);
        }
    }

    /**
     * Makes a page that is in no list any more a cached one of {@code set}. The owner's lock is held.
     *
     * @return whether it is the only one
     */
    boolean cache(ResidentSet set, VmPage page) {
        lock.lock();
        boolean first = set.cached.isEmpty();
        set.cached.insert(page);
        page.home = set;
        page.setFlags(PageFlags.CACHED);
        countCached(1);
        cachedEver++;
        if (!reservations.free(page)) {
            buddy.setPool(page, 0, BuddyAllocator.CACHE);
            buddy.free(page, 0);
        }
        shortage.freed(free + cached);
        lock.unlock();
        return first;
    }

    /** Whether a page is cached for (set, pindex). */
    boolean isCached(ResidentSet set, long pindex) {
        if (set.cacheEmpty()) {
            return false;
        }
        lock.lock();
        boolean found = set.cached.lookup(pindex) != null;
        lock.unlock();
        return found;
    }

    /** Makes the cached pages of [start, end), to the end for {@code end} 0, plain free pages. */
    void forget(ResidentSet set, long start, long end) {
        lock.lock();
        for (VmPage page = set.cached.lookupGe(start);
                page != null && (end == 0 || page.pindex < end);
                page = set.cached.lookupGe(start)) {
            page.setValid(0);
            uncache(page);
            reservations.makeFree(page);
            countFree(1);
        }
        lock.unlock();
    }

    /**
     * Moves the cached pages of [offset, offset + size) of {@code from} to {@code to}, from 0 on. Both owners are
     * locked.
     */
    void transfer(ResidentSet from, long offset, ResidentSet to, long size) {
        if (!to.cacheEmpty()) {
            throw new KernelPanic("vm_page_cache_transfer: %s has cached pages", to.owner());
        }
        // Before anybody can take a page from its new owner and drop the hold.
        to.owner().holdBacking();
        lock.lock();
        boolean had = !from.cached.isEmpty();
        boolean moved = false;
        for (VmPage page = from.cached.lookupGe(offset);
                page != null && page.pindex - offset < size;
                page = from.cached.lookupGe(offset)) {
            from.cached.remove(page.pindex);
            page.home = to;
            page.pindex -= offset;
            to.cached.insert(page);
            moved = true;
        }
        if (had && from.cached.isEmpty()) {
            from.owner().dropBacking();
        }
        lock.unlock();
        if (!moved) {
            to.owner().dropBacking();
        }
    }

    void breakReservations(ResidentSet set) {
        lock.lock();
        reservations.breakAll(set);
        lock.unlock();
    }

    void renameReservation(VmPage page, ResidentSet to, ResidentSet from, long fromOffset) {
        lock.lock();
        reservations.rename(page, to, from, fromOffset);
        lock.unlock();
    }
}
