// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.Arrays;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * A run of physically adjacent pages, with a reservation for each aligned 2 MiB that lies wholly inside
 * ({@code struct vm_phys_seg}).
 */
final class PhysicalSegment {
    /** Locks for the reservations: enough that CPUs which fill different ones seldom meet. */
    private static final int LOCKS = 64;
    /** How far apart the locks of neighbours are, so that they share no cache line. Odd, so that all are used. */
    private static final int STRIDE = 19;

    private final int firstFrame;
    private final VmPage[] pages;
    private final int freeList;
    private final int firstReservation;
    private final Reservation[] reservations;

    /**
     * @param pages the pages of the frames from {@code firstFrame} on
     * @param freeList the number of the free lists that its blocks go to
     */
    PhysicalSegment(int firstFrame, VmPage[] pages, int freeList) {
        this.firstFrame = firstFrame;
        this.pages = pages;
        this.freeList = freeList;
        this.firstReservation = firstFrame + Reservation.PAGES - 1 >> Reservation.ORDER;
        int endReservation = firstFrame + pages.length >> Reservation.ORDER;
        KernelLock[] locks = new KernelLock[LOCKS];
        Arrays.setAll(locks, i -> new KernelLock(LockRank.LEAF, "vm reservation"));
        this.reservations = new Reservation[Math.max(0, endReservation - firstReservation)];
        for (int i = 0; i < reservations.length; i++) {
            reservations[i] =
                    new Reservation(this, firstReservation + i << Reservation.ORDER, locks[i * STRIDE & LOCKS - 1]);
        }
    }

    int firstFrame() {
        return firstFrame;
    }

    int endFrame() {
        return firstFrame + pages.length;
    }

    boolean contains(int frame) {
        return Integer.compareUnsigned(frame - firstFrame, pages.length) < 0;
    }

    VmPage page(int frame) {
        return pages[frame - firstFrame];
    }

    int freeList() {
        return freeList;
    }

    /** How many reservations there are. */
    int reservations() {
        return reservations.length;
    }

    /** The reservation with the given position in the segment. */
    Reservation reservationAt(int position) {
        return reservations[position];
    }

    /**
     * Where in the segment the reservation of {@code frame} is; outside [0, {@link #reservations()}) when it has none.
     */
    int reservationOf(int frame) {
        return (frame >> Reservation.ORDER) - firstReservation;
    }
}
