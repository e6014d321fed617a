// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;

/**
 * The entries of the lowest level of one space: how one is made, changed and removed while CPUs set its bits, and how
 * many there are.
 *
 * <p>Every method needs the space's lock unless said otherwise; those of managed mappings take the lock of the frame's
 * list. What is taken away goes to the {@link Shootdown}.
 */
final class Leaves extends Apart {
    private final int asid;
    private final Shared shared;
    private final PhysicalMemory memory;
    private final TableFrames tables;
    private final PvLists pv;
    private final Shootdown shootdown;

    private long resident;
    private long wired;

    /** No entry in space {@code asid}. */
    Leaves(int asid, Shared shared, Shootdown shootdown) {
        this.asid = asid;
        this.shared = shared;
        this.memory = shared.memory();
        this.tables = shared.tables();
        this.pv = shared.pv();
        this.shootdown = shootdown;
    }

    /** How many pages are mapped, those of superpages too. */
    long resident() {
        return resident;
    }

    /** How many of them are wired. */
    long wired() {
        return wired;
    }

    /** Counts {@code pages} more mappings like {@code pte}, or fewer. */
    void count(int pages, long pte) {
        resident += pages;
        wired += (pte & Pte.WIRED) != 0 ? pages : 0;
    }

    /** Forgets every count: no table is left. */
    void forgetAll() {
        resident = 0;
        wired = 0;
    }

    /** Limits every entry of {@code leaf} as the directory's {@code entry} does; modified bits stay. */
    void limitAll(int leaf, long entry) {
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            long old;
            long next;
            do {
                old = memory.loadVolatile(leaf, at);
                next = old == 0 ? 0 : Pte.limited(old, entry);
            } while (next != old && !memory.compareAndSet(leaf, at, old, next));
        }
    }

    /** Makes {@code wanted} the entry of {@code page}, whatever was there. */
    void replace(int leaf, long page, long wanted) {
        long old = memory.loadVolatile(leaf, TableTree.offset(page, 0));
        boolean same = Pte.has(old, Pte.PRESENT)
                && Pte.frame(old) == Pte.frame(wanted)
                && (old & Pte.MANAGED) == (wanted & Pte.MANAGED);
        if (same && change(leaf, page, wanted)) {
            return;
        }
        clear(leaf, page);
        insert(leaf, page, wanted);
    }

    /** Turns the mapping of the same frame at {@code page} into {@code wanted}; false when it vanished meanwhile. */
    private boolean change(int leaf, long page, long wanted) {
        boolean managed = (wanted & Pte.MANAGED) != 0;
        KernelLock list = pv.lockOf(Pte.frame(wanted));
        if (managed) {
            list.lock();
        }
        long old = exchange(leaf, page, wanted);
        if (managed) {
            list.unlock();
        }
        if (old == 0) {
            return false;
        }
        wired += count(wanted, Pte.WIRED) - count(old, Pte.WIRED);
        return true;
    }

    /**
     * Replaces a present entry, keeping its bits when nothing else differs, else reporting them; returns the old one or
     * 0.
     */
    private long exchange(int leaf, long page, long wanted) {
        int at = TableTree.offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            if (old == 0) {
                return 0;
            }
            boolean equal = ((old ^ wanted) & ~(Pte.ACCESSED | Pte.DIRTY)) == 0;
            long next = equal ? old | wanted : wanted;
            if (!equal && (old & Pte.MANAGED) != 0 && (old & ~next & Pte.DIRTY) != 0) {
                shared.reports().modified(Pte.frame(old));
            }
            long lost = old & ~next & (Pte.WRITE | Pte.DIRTY | Pte.ACCESSED);
            if (lost != 0 || (next & ~old & Pte.NO_EXECUTE) != 0 || ((old ^ next) & Pte.CACHING) != 0) {
                shootdown.weaken(page, old);
            }
            if (next == old || memory.compareAndSet(leaf, at, old, next)) {
                return old;
            }
        }
    }

    /** Fills an empty slot. */
    void insert(int leaf, long page, long pte) {
        int at = TableTree.offset(page, 0);
        if ((pte & Pte.MANAGED) != 0) {
            int frame = Pte.frame(pte);
            KernelLock list = pv.lockOf(frame);
            list.lock();
            pv.add(frame, PvLists.key(asid, page));
            memory.storeVolatile(leaf, at, pte);
            list.unlock();
        } else {
            memory.storeVolatile(leaf, at, pte);
        }
        tables.addEntry(leaf);
        resident++;
        wired += count(pte, Pte.WIRED);
    }

    /** Empties a slot, reporting a managed mapping's bits. */
    void clear(int leaf, long page) {
        int at = TableTree.offset(page, 0);
        long pte = memory.loadVolatile(leaf, at);
        if ((pte & Pte.MANAGED) != 0) {
            int frame = Pte.frame(pte);
            KernelLock list = pv.lockOf(frame);
            list.lock();
            pte = swap(leaf, page);
            if (pte != 0) {
                pv.remove(frame, PvLists.key(asid, page));
                shared.report(pte);
            }
            list.unlock();
        } else if (pte != 0) {
            pte = swap(leaf, page);
        }
        if (pte != 0) {
            tables.dropEntry(leaf);
            resident--;
            wired -= count(pte, Pte.WIRED);
        }
    }

    private long swap(int leaf, long page) {
        int at = TableTree.offset(page, 0);
        while (true) {
            long pte = memory.loadVolatile(leaf, at);
            shootdown.weaken(page, pte);
            if (pte == 0 || memory.compareAndSet(leaf, at, pte, 0)) {
                return pte;
            }
        }
    }

    private static int count(long pte, long bit) {
        return (pte & bit) != 0 ? 1 : 0;
    }

    /** Clears and sets bits of a present entry; returns the old entry, or 0 when there is none. Needs either lock. */
    long set(int leaf, long page, long clear, long set) {
        int at = TableTree.offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            long next = old & ~clear | set;
            if (old == 0 || next == old || memory.compareAndSet(leaf, at, old, next)) {
                return old;
            }
        }
    }

    /** Sets or clears the wired bit; returns whether there is an entry. */
    boolean wire(int leaf, long page, boolean wire) {
        long old = set(leaf, page, wire ? 0 : Pte.WIRED, wire ? Pte.WIRED : 0);
        if (old != 0) {
            wired += (wire ? 1 : 0) - count(old, Pte.WIRED);
        }
        return old != 0;
    }

    /**
     * Takes bits from a present entry and gives it others; {@code report} tells whether a modified bit among them is
     * reported.
     */
    void weaken(int leaf, long page, long lost, long gained, boolean report) {
        int at = TableTree.offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            long next = old & ~lost | gained;
            if (old == 0 || next == old) {
                return;
            }
            if (report && Pte.has(old & ~next, Pte.DIRTY) && Pte.has(old, Pte.MANAGED)) {
                shared.reports().modified(Pte.frame(old));
            }
            shootdown.weaken(page, old);
            if (memory.compareAndSet(leaf, at, old, next)) {
                return;
            }
        }
    }

    /** Counts that a page operation has emptied a slot of {@code leaf} where {@code pte} was. */
    void settle(int leaf, long pte) {
        tables.dropEntry(leaf);
        count(-1, pte);
    }
}
