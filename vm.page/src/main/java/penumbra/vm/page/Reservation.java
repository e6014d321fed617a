// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.Stripes;

/**
 * 2 MiB of aligned physical memory that may be set aside for the same stretch of one owner, so that its pages become
 * physically adjacent ({@code struct vm_reserv}). {@link Reservations} does the work.
 *
 * <p>Whoever changes it holds the free list lock and its own; its own alone is enough to take another page of one that
 * stays where it is in every list.
 */
final class Reservation {
    /** {@code VM_LEVEL_0_ORDER}: 512 pages of 4 KiB. */
    static final int ORDER = 9;

    static final int PAGES = 1 << ORDER;

    /** Where in the population the count is. */
    private static final int COUNT = PAGES / Long.SIZE;

    /** Its lock, which others share; nobody takes two. */
    final KernelLock lock;

    private final PhysicalSegment segment;
    private final int firstFrame;
    /**
     * A bit for each page in use, then how many those are, then room: neighbours are often filled by different CPUs at the
     * same time, which shall not meet in a cache line.
     */
    private final long[] population = new long[COUNT + 1 + Stripes.DISTANCE / Long.BYTES];

    /** Whose stretch it is set aside for; null when it is not. */
    @Nullable
    ResidentSet owner;

    /** The pindex of its first page. */
    long pindex;

    /** Whether it is in the queue of those that are used in part. */
    boolean queued;

    @Nullable
    Reservation ownerPrevious;

    @Nullable
    Reservation ownerNext;

    @Nullable
    Reservation queuePrevious;

    @Nullable
    Reservation queueNext;

    Reservation(PhysicalSegment segment, int firstFrame, KernelLock lock) {
        this.lock = lock;
        this.segment = segment;
        this.firstFrame = firstFrame;
    }

    int firstFrame() {
        return firstFrame;
    }

    VmPage page(int slot) {
        return segment.page(firstFrame + slot);
    }

    int slot(VmPage page) {
        return page.frame() - firstFrame;
    }

    /** How many of its pages are in use. */
    int populated() {
        return (int) population[COUNT];
    }

    boolean isPopulated(int slot) {
        return (population[slot >> 6] & 1L << slot) != 0;
    }

    void populate(int slot) {
        population[slot >> 6] |= 1L << slot;
        population[COUNT]++;
    }

    void depopulate(int slot) {
        population[slot >> 6] &= ~(1L << slot);
        population[COUNT]--;
    }

    void depopulateAll() {
        Arrays.fill(population, 0);
    }

    @Override
    public String toString() {
        return String.format(
                java.util.Locale.ROOT,
                "reservation at frame %#x (%d in use, for %s from %d)",
                firstFrame,
                populated(),
                owner == null ? null : owner.owner(),
                pindex);
    }

    /** Whether {@code index} lies in the stretch that it is set aside for. */
    boolean covers(long index) {
        return (index - pindex & -(long) PAGES) == 0;
    }
}
