// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.hw.MemorySegment;
import penumbra.hw.MmuReports;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;

/** The spaces of one machine, the frames of their tables, and for each frame the mappings of it. */
final class Mappings {
    private static final int FIRST_SPACES = 64;

    private final Shared shared;
    private final PvLists pv;
    /** By ASID; whoever meets an ASID in a list, under the list's lock, finds its space here. */
    private volatile @Nullable Amd64Space[] spaces = new Amd64Space[FIRST_SPACES];

    Mappings(Machine machine, PhysicalMemory memory, MmuReports reports) {
        this.pv = new PvLists(memory.segments());
        this.shared = new Shared(machine, memory, reports, new TableFrames(memory, tableSegment(memory)), pv);
    }

    private static MemorySegment tableSegment(PhysicalMemory memory) {
        return memory.segments().stream()
                .filter(segment -> segment.use() == SegmentUse.TABLES)
                .findFirst()
                .orElseThrow(() -> new KernelPanic("attach: no segment for tables in %s", memory.segments()));
    }

    /** What is asked of, or done to, one mapping of a frame, under the lock of the frame's list. */
    @FunctionalInterface
    interface Visit {
        /** Returns whether the mapping at {@code page} of {@code space} counts. */
        boolean visit(Amd64Space space, long page);
    }

    /** Makes an empty space. */
    synchronized Amd64Space create(int asid) {
        Amd64Space space = new Amd64Space(asid, shared);
        if (asid >= spaces.length) {
            spaces = Arrays.copyOf(spaces, Math.max(asid + 1, 2 * spaces.length));
        }
        spaces[asid] = space;
        return space;
    }

    /** Releases every space. */
    synchronized void release() {
        for (Amd64Space space : spaces) {
            if (space != null) {
                space.release();
            }
        }
    }

    /** How many table frames are free. */
    int freeTables() {
        return shared.tables().freeCount();
    }

    /** Visits mappings of {@code frame} until {@code max} of them counted; returns how many did. */
    int count(int frame, int max, Visit visit) {
        KernelLock lock = pv.lockOf(frame);
        lock.lock();
        int counted = visitAll(frame, max, visit);
        lock.unlock();
        pv.awaitShot(frame);
        return counted;
    }

    /**
     * Like {@link #count}, for a visit that clears {@code bits}: superpages that have one of them are demoted first.
     */
    int clear(int frame, long bits, int max, Visit visit) {
        KernelLock lock = pv.lockOf(frame);
        lock.lock();
        demote(frame, bits);
        int counted = visitAll(frame, max, visit);
        lock.unlock();
        pv.awaitShot(frame);
        return counted;
    }

    /** Whether one of the first {@code most} mappings of {@code frame} is in space {@code asid}. */
    boolean isMappedBy(int asid, int frame, int most) {
        boolean[] found = {false};
        count(frame, most, (space, page) -> {
            found[0] |= space.asid() == asid;
            return true;
        });
        return found[0];
    }

    private int visitAll(int frame, int max, Visit visit) {
        int counted = visitList(frame, 0, max, visit);
        return counted < max
                ? counted + visitList(PvLists.superpage(frame), frame & Pte.LARGE_PAGES - 1, max - counted, visit)
                : counted;
    }

    private int visitList(int list, int offset, int max, Visit visit) {
        long head = pv.head(list);
        int counted = head != PvLists.NONE && visit(head, offset, visit) ? 1 : 0;
        for (int place = pv.rest(list); place != 0 && counted < max; place = pv.after(list, place)) {
            if (visit(pv.keyAt(list, place), offset, visit)) {
                counted++;
            }
        }
        return counted;
    }

    private boolean visit(long key, int offset, Visit visit) {
        return visit.visit(space(key), PvLists.page(key) + offset);
    }

    private void demote(int frame, long bits) {
        int list = PvLists.superpage(frame);
        for (long key = superpageWith(list, bits); key != PvLists.NONE; key = superpageWith(list, bits)) {
            space(key).demote(PvLists.page(key));
        }
    }

    /** The first superpage in {@code list} that has one of {@code bits}. */
    private long superpageWith(int list, long bits) {
        long key = pv.head(list);
        int place = pv.rest(list);
        while (key != PvLists.NONE && !space(key).isSuperpageWith(PvLists.page(key), bits)) {
            key = pv.keyAt(list, place);
            place = place == 0 ? 0 : pv.after(list, place);
        }
        return key;
    }

    /** Removes every mapping of {@code frame}, reporting their bits. */
    void removeAll(int frame) {
        KernelLock lock = pv.lockOf(frame);
        while (true) {
            lock.lock();
            demote(frame, Pte.PRESENT);
            long key = pv.head(frame);
            if (key == PvLists.NONE) {
                lock.unlock();
                pv.awaitShot(frame);
                return;
            }
            Amd64Space space = space(key);
            long page = PvLists.page(key);
            long pte = space.take(page, frame);
            pv.remove(frame, key);
            shared.report(pte);
            lock.unlock();
            space.settle(page, pte);
        }
    }

    private Amd64Space space(long key) {
        Amd64Space space = spaces[PvLists.asid(key)];
        if (space == null) {
            throw new KernelPanic("pv: space %d does not exist", PvLists.asid(key));
        }
        return space;
    }
}
