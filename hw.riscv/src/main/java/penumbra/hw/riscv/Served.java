// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import penumbra.hw.Machine;
import penumbra.hw.MmuReports;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/** The machine that an MMU serves, and what all its spaces share. */
final class Served {
    final Machine machine;
    final PhysicalMemory memory;
    final MmuReports reports;
    final TablePool tables;
    final Chains chains;
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "sv48 spaces");
    private final Set<RiscvSpace> spaces = new HashSet<>();

    /** A machine without spaces. */
    Served(Machine machine, PhysicalMemory memory, MmuReports reports) {
        this.machine = machine;
        this.memory = memory;
        this.reports = reports;
        this.tables = new TablePool(memory);
        this.chains = new Chains(memory.segments(), tables.frames());
    }

    /** Makes an empty space. */
    RiscvSpace create(int asid) {
        RiscvSpace space = new RiscvSpace(this, asid);
        lock.lock();
        spaces.add(space);
        lock.unlock();
        return space;
    }

    /** Forgets a space that is released. */
    void forget(RiscvSpace space) {
        lock.lock();
        spaces.remove(space);
        lock.unlock();
    }

    /** Releases every space. */
    void release() {
        lock.lock();
        List<RiscvSpace> all = new ArrayList<>(spaces);
        lock.unlock();
        all.forEach(RiscvSpace::release);
    }

    // All mappings of a frame.

    /** What is asked of, or done to, one mapping of a frame, whose chain is locked. */
    @FunctionalInterface
    interface Visit {
        /**
         * Returns whether the mapping counts whose entry lies at {@code offset} of the table in frame {@code table}.
         */
        boolean visit(Served in, int place, int table, int offset);
    }

    /** Visits mappings of {@code frame} until {@code most} of them counted; returns how many did. */
    int count(int frame, int most, Visit visit) {
        KernelLock chain = chains.lockOf(frame);
        chain.lock();
        int counted = 0;
        for (int place = chains.head(frame); place != Chains.NONE && counted < most; place = chains.after(place)) {
            int table = tables.frame(Chains.table(place));
            if (visit.visit(this, place, table, Chains.index(place) * Long.BYTES)) {
                counted++;
            }
        }
        chain.unlock();
        return counted;
    }

    /** Whether one of the first {@code most} mappings of {@code frame} is in space {@code asid}. */
    boolean isMappedBy(int asid, int frame, int most) {
        boolean[] found = {false};
        count(frame, most, (in, place, table, offset) -> {
            found[0] |= tables.owner(Chains.table(place)).asid() == asid;
            return true;
        });
        return found[0];
    }

    /** Whether the entry has all of {@code bits}. */
    boolean has(int table, int offset, long bits) {
        return Sv48.has(memory.loadVolatile(table, offset), bits);
    }

    /**
     * Clears those of {@code bits} that are set and shoots the mapping down; returns the old entry. An entry without
     * the accessed bit is in no TLB: whoever clears that shoots before it leaves the chain, as everybody does who
     * weakens an entry.
     */
    long clear(int place, int table, int offset, long bits) {
        while (true) {
            long old = memory.loadVolatile(table, offset);
            if ((old & bits) == 0) {
                return old;
            }
            if (memory.compareAndSet(table, offset, old, old & ~bits)) {
                if ((old & Sv48.ACCESSED) != 0) {
                    int number = Chains.table(place);
                    machine.invalidatePage(tables.owner(number).asid(), tables.page(number) + Chains.index(place));
                }
                return old;
            }
        }
    }

    /** Takes away the right to write, reporting the dirty bit. */
    boolean writeProtect(int place, int table, int offset) {
        long old = clear(place, table, offset, Sv48.WRITE | Sv48.DIRTY);
        if ((old & Sv48.DIRTY) != 0) {
            reports.modified(Sv48.frame(old));
        }
        return true;
    }

    /**
     * Removes every mapping of {@code frame}: each under the lock of its space, which comes before that of the chain.
     */
    void removeAll(int frame) {
        KernelLock chain = chains.lockOf(frame);
        while (true) {
            chain.lock();
            int place = chains.head(frame);
            RiscvSpace space = place == Chains.NONE ? null : tables.owner(Chains.table(place));
            chain.unlock();
            if (space == null) {
                return;
            }
            space.removeFirst(frame);
        }
    }
}
