// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelPanic;
import penumbra.kern.Stripes;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;

/**
 * The reservations of 2 MiB: where the pages of coloured owners come from, and the queue of those that are used in
 * part, least recently used first ({@code vm_reserv.c}).
 *
 * <p>Every method but {@link #allocateNext} needs the free list lock. An owner's list is newest first.
 */
final class Reservations {
    private static final int SPACING = Stripes.DISTANCE / Integer.BYTES;

    private final PageArray pages;
    private final BuddyAllocator buddy;
    private @Nullable Reservation queueFirst;
    private @Nullable Reservation queueLast;
    /** By stripe, the reservation that was last put at the queue's end; read without a lock, a hint. */
    private final @Nullable Reservation[] recent = new Reservation[(1 + Stripes.COUNT) * SPACING];

    private long broken;
    private long freed;
    private long reclaimed;

    Reservations(PageArray pages, BuddyAllocator buddy) {
        this.pages = pages;
        this.buddy = buddy;
    }

    /** Reservations given up with pages in use ({@code vm.reserv.broken}). */
    long broken() {
        return broken;
    }

    /** Reservations whose last page was freed ({@code vm.reserv.freed}). */
    long freed() {
        return freed;
    }

    /** Reservations broken because memory was short ({@code vm.reserv.reclaimed}). */
    long reclaimed() {
        return reclaimed;
    }

    /** The oldest reservation that is used in part. */
    @Nullable
    Reservation oldest() {
        return queueFirst;
    }

    /** The reservation that {@code page} lies in, set aside or not; null when its frame is in none. */
    @Nullable
    Reservation of(VmPage page) {
        if (page.has(PageFlags.FICTITIOUS)) {
            return null;
        }
        PhysicalSegment segment = pages.segment(page);
        int at = segment.reservationOf(page.frame());
        return at < 0 || at >= segment.reservations() ? null : segment.reservationAt(at);
    }

    /** The reservation that {@code page} lies in if that is set aside for {@code set}. */
    private @Nullable Reservation of(VmPage page, ResidentSet set) {
        Reservation reservation = of(page);
        return reservation != null && reservation.owner == set ? reservation : null;
    }

    /**
     * Takes the page for {@code pindex} from a reservation of the owner, or from a new one
     * ({@code vm_reserv_alloc_page}).
     *
     * @param predecessor the resident page before {@code pindex}
     * @return null when there is no reservation and none can be had; the page may be cached
     */
    @Nullable
    VmPage allocate(ResidentSet set, long pindex, @Nullable VmPage predecessor) {
        PageOwner owner = set.owner();
        int slot = slot(owner, pindex);
        if (pindex < slot || pindex >= owner.size()) {
            return null;
        }
        VmPage successor = predecessor != null ? predecessor.listNext : set.firstPage();
        Reservation before = predecessor == null ? null : of(predecessor, set);
        Reservation after = successor == null ? null : of(successor, set);
        if (before != null && before.covers(pindex)) {
            return populate(before, slot);
        }
        if (after != null && after.covers(pindex)) {
            return populate(after, slot);
        }

        long first = pindex - slot;
        if (predecessor != null) {
            long free = before != null ? before.pindex + Reservation.PAGES : predecessor.pindex + 1;
            if (free > first) {
                return null;
            }
        }
        if (successor != null) {
            long taken = after != null ? after.pindex : successor.pindex;
            if (first + Reservation.PAGES > taken) {
                return null;
            }
        }
        if (first + Reservation.PAGES > owner.size() && !owner.mayReserveBeyondEnd()) {
            return null;
        }
        return allocateNew(set, first, slot);
    }

    /**
     * Takes the page for {@code pindex} as {@link #allocate} does, without the free list lock, if that is all there is
     * to it: the page before lies in the reservation that the caller's stripe used last, which is so near the queue's
     * end that it may keep its place, and the page is not cached. The owner's lock is held.
     *
     * @param allowances where the page is paid from
     * @return null when there is more to it
     */
    @Nullable
    VmPage allocateNext(ResidentSet set, long pindex, VmPage predecessor, Allowances allowances) {
        Reservation last = recent[Stripes.ofCaller() * SPACING];
        if (last == null || of(predecessor) != last) {
            return null;
        }
        int slot = slot(set.owner(), pindex);
        if (pindex < slot || pindex >= set.owner().size()) {
            return null;
        }
        VmPage page = last.page(slot);
        last.lock.lock();
        boolean plain = last.owner == set && last.covers(pindex) && !last.isPopulated(slot) && page.has(PageFlags.FREE);
        boolean stays = last.queued && last.populated() < Reservation.PAGES - 1;
        boolean taken = plain && stays && allowances.use();
        if (taken) {
            last.populate(slot);
        }
        last.lock.unlock();
        return taken ? page : null;
    }

    private @Nullable VmPage allocateNew(ResidentSet set, long first, int slot) {
        VmPage block = buddy.allocate(BuddyAllocator.DEFAULT, Reservation.ORDER);
        if (block == null) {
            return null;
        }
        Reservation reservation = of(block);
        if (reservation == null || reservation.populated() != 0 || reservation.owner != null) {
            throw new KernelPanic("vm_reserv_alloc_page: %s is free and reserved", block);
        }
        reservation.lock.lock();
        reservation.pindex = first;
        addToOwner(reservation, set);
        use(reservation, slot);
        reservation.lock.unlock();
        return reservation.page(slot);
    }

    /** Where in its reservation the page at {@code pindex} goes ({@code VM_RESERV_INDEX}). */
    private static int slot(PageOwner owner, long pindex) {
        return (int) (owner.color() + pindex) & Reservation.PAGES - 1;
    }

    /** Takes the page at {@code slot}; null when it is in use, renamed to another pindex. */
    private @Nullable VmPage populate(Reservation reservation, int slot) {
        reservation.lock.lock();
        boolean free = !reservation.isPopulated(slot);
        if (free) {
            use(reservation, slot);
        }
        reservation.lock.unlock();
        return free ? reservation.page(slot) : null;
    }

    /** Its lock is held, as in the other private methods that change a reservation. */
    private void use(Reservation reservation, int slot) {
        leaveQueue(reservation);
        reservation.populate(slot);
        if (reservation.populated() < Reservation.PAGES) {
            enterQueue(reservation);
        }
    }

    /**
     * Takes a page back that was freed or cached; after the last one all of the reservation is free
     * ({@code vm_reserv_free_page}).
     *
     * @return false when the page's frame is not set aside
     */
    boolean free(VmPage page) {
        Reservation reservation = of(page);
        if (reservation == null || reservation.owner == null) {
            return false;
        }
        if (page.has(PageFlags.CACHED) && page.pool != BuddyAllocator.CACHE) {
            buddy.setPool(reservation.page(0), Reservation.ORDER, BuddyAllocator.CACHE);
        }
        reservation.lock.lock();
        leaveQueue(reservation);
        reservation.depopulate(reservation.slot(page));
        if (reservation.populated() == 0) {
            removeFromOwner(reservation);
            buddy.free(reservation.page(0), Reservation.ORDER);
            freed++;
        } else {
            enterQueue(reservation);
        }
        reservation.lock.unlock();
        return true;
    }

    /**
     * Takes a cached page that lies in a reservation for use by its owner again ({@code vm_reserv_reactivate_page}).
     * When the reservation is not at the page's own place, it is broken.
     *
     * @return false when the page's frame is not set aside
     */
    boolean reactivate(VmPage page) {
        Reservation reservation = of(page);
        if (reservation == null || reservation.owner == null) {
            return false;
        }
        int slot = reservation.slot(page);
        if (reservation.owner == page.home && page.pindex - reservation.pindex == slot) {
            reservation.lock.lock();
            use(reservation, slot);
            reservation.lock.unlock();
        } else {
            breakUp(reservation, page);
            broken++;
        }
        return true;
    }

    /** Gives back what the owner's reservations have not used ({@code vm_reserv_break_all}). */
    void breakAll(ResidentSet set) {
        for (Reservation r = set.reservations; r != null; r = set.reservations) {
            breakUp(r, null);
            broken++;
        }
    }

    /**
     * Breaks the reservation that was used least recently; returns whether there was one
     * ({@code vm_reserv_reclaim_inactive}).
     */
    boolean reclaimInactive() {
        Reservation oldest = queueFirst;
        if (oldest == null) {
            return false;
        }
        breakUp(oldest, null);
        broken++;
        reclaimed++;
        return true;
    }

    /** Frees the unused pages of a reservation, except {@code kept}, and forgets it ({@code vm_reserv_break}). */
    private void breakUp(Reservation reservation, @Nullable VmPage kept) {
        reservation.lock.lock();
        leaveQueue(reservation);
        removeFromOwner(reservation);
        if (kept != null) {
            reservation.populate(reservation.slot(kept));
        }
        int slot = 0;
        while (slot < Reservation.PAGES) {
            int start = slot;
            while (slot < Reservation.PAGES && !reservation.isPopulated(slot)) {
                slot++;
            }
            if (slot > start) {
                buddy.freeRun(reservation.page(start), slot - start);
            }
            while (slot < Reservation.PAGES && reservation.isPopulated(slot)) {
                slot++;
            }
        }
        reservation.depopulateAll();
        reservation.lock.unlock();
    }

    /**
     * Hands the reservation of {@code page} to {@code to}, if it is set aside for {@code from}
     * ({@code vm_reserv_rename}).
     */
    void rename(VmPage page, ResidentSet to, ResidentSet from, long fromOffset) {
        Reservation reservation = of(page);
        if (reservation != null && reservation.owner == from) {
            reservation.lock.lock();
            removeFromOwner(reservation);
            addToOwner(reservation, to);
            reservation.pindex -= fromOffset;
            reservation.lock.unlock();
        }
    }

    /** Makes a page that was cached, and has lost its identity, a plain free one. */
    void makeFree(VmPage page) {
        Reservation reservation = of(page);
        if (reservation == null) {
            page.setFlags(PageFlags.FREE);
            return;
        }
        // So that who finds it free in its reservation, without the free list lock, finds it as it should be.
        reservation.lock.lock();
        page.setFlags(PageFlags.FREE);
        reservation.lock.unlock();
    }

    private static void addToOwner(Reservation reservation, ResidentSet set) {
        Reservation next = set.reservations;
        reservation.owner = set;
        reservation.ownerPrevious = null;
        reservation.ownerNext = next;
        if (next != null) {
            next.ownerPrevious = reservation;
        }
        set.reservations = reservation;
    }

    private static void removeFromOwner(Reservation reservation) {
        Reservation previous = reservation.ownerPrevious;
        Reservation next = reservation.ownerNext;
        ResidentSet set = reservation.owner;
        if (previous != null) {
            previous.ownerNext = next;
        } else if (set != null) {
            set.reservations = next;
        }
        if (next != null) {
            next.ownerPrevious = previous;
        }
        reservation.ownerPrevious = null;
        reservation.ownerNext = null;
        reservation.owner = null;
    }

    private void enterQueue(Reservation reservation) {
        Reservation previous = queueLast;
        recent[Stripes.ofCaller() * SPACING] = reservation;
        reservation.queued = true;
        reservation.queuePrevious = previous;
        if (previous == null) {
            queueFirst = reservation;
        } else {
            previous.queueNext = reservation;
        }
        queueLast = reservation;
    }

    private void leaveQueue(Reservation reservation) {
        if (!reservation.queued) {
            return;
        }
        Reservation previous = reservation.queuePrevious;
        Reservation next = reservation.queueNext;
        if (previous == null) {
            queueFirst = next;
        } else {
            previous.queueNext = next;
        }
        if (next == null) {
            queueLast = previous;
        } else {
            next.queuePrevious = previous;
        }
        reservation.queuePrevious = null;
        reservation.queueNext = null;
        reservation.queued = false;
    }
}
