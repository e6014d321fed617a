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

    private final Machine machine;
    private final PhysicalMemory memory;
    private final MmuReports reports;
    private final TableFrames tables;
    private final PvLists pv;
    /** By ASID; whoever meets an ASID in a list, under the list's lock, finds its space here. */
    private volatile @Nullable Amd64Space[] spaces = new Amd64Space[FIRST_SPACES];

    Mappings(Machine machine, PhysicalMemory memory, MmuReports reports) {
        this.machine = machine;
        this.memory = memory;
        this.reports = reports;
        this.tables = new TableFrames(memory, tableSegment(memory));
        this.pv = new PvLists(memory.segments());
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
        Amd64Space space = new Amd64Space(asid, machine, memory, reports, tables, pv);
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
        return tables.freeCount();
    }

    /** Visits mappings of {@code frame} until {@code max} of them counted; returns how many did. */
    int count(int frame, int max, Visit visit) {
        KernelLock lock = pv.lockOf(frame);
        lock.lock();
        long head = pv.head(frame);
        int counted = head != PvLists.NONE && visit(head, visit) ? 1 : 0;
        for (int place = pv.rest(frame); place != 0 && counted < max; place = pv.after(frame, place)) {
            if (visit(pv.keyAt(frame, place), visit)) {
                counted++;
            }
        }
        lock.unlock();
        return counted;
    }

    private boolean visit(long key, Visit visit) {
        return visit.visit(space(key), PvLists.page(key));
    }

    /** Removes every mapping of {@code frame}, reporting their bits. */
    void removeAll(int frame) {
        KernelLock lock = pv.lockOf(frame);
        while (true) {
            lock.lock();
            long key = pv.head(frame);
            if (key == PvLists.NONE) {
                lock.unlock();
                return;
            }
            Amd64Space space = space(key);
            long page = PvLists.page(key);
            long pte = space.take(page, frame);
            pv.remove(frame, key);
            if (pv.head(frame) == PvLists.NONE) {
                reports.unmapped(frame);
            }
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
