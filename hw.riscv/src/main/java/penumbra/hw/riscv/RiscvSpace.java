// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import java.util.Arrays;
import java.util.function.IntConsumer;
import penumbra.hw.Machine;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * One address space's four levels of tables.
 *
 * <p>Every change but two is made under the space's lock (rank {@code PMAP}). The exceptions: software marks an entry
 * accessed or dirty when a hart traps for it, without a lock; and who holds the lock of a frame's chain (rank {@code
 * PV}) takes bits from the entries in it. Entries of managed mappings come and go under both locks.
 *
 * <p>What may still be in a TLB is weakened in three steps: the entry is broken, that is, made invalid, which leaves
 * its other bits to software; the TLBs are shot down; and the entry is made what it is to be, under the lock of the
 * chain, with its bits reported. So nobody who looks at a frame's chain ever finds less there than a CPU can still do.
 * Tables are freed after one more shootdown, which no walk outlasts.
 */
final class RiscvSpace implements MmuSpace {
    private static final int NONE = TablePool.NONE;
    private static final int TOP = Sv48.LEVELS - 1;

    private final Served served;
    private final Machine machine;
    private final PhysicalMemory memory;
    private final TablePool tables;
    private final Chains chains;
    private final int asid;
    private final KernelLock lock = new KernelLock(LockRank.PMAP, "sv48 space");
    /** What a hart that runs this space has in its register. */
    private volatile long satp = Sv48.BARE;

    private boolean released;
    private long resident;
    private long wired;
    /** The tables on the way to the page last looked for, by level. */
    private final int[] path = new int[Sv48.LEVELS];
    /** Broken entries of pages {@code [staleFrom, staleTo)} may be in TLBs. */
    private long staleFrom = Sv48.END;

    private long staleTo;
    /** Tables that are linked nowhere and may still be walked. */
    private int[] dead = new int[Sv48.LEVELS];

    private int deadCount;

    /** An empty space, which takes its first table when something is mapped. */
    RiscvSpace(Served served, int asid) {
        this.served = served;
        this.machine = served.machine;
        this.memory = served.memory;
        this.tables = served.tables;
        this.chains = served.chains;
        this.asid = asid;
    }

    int asid() {
        return asid;
    }

    // What a hart does, and what software does for it.

    @Override
    public long walk(long address, int access) {
        long page = PageSize.index(address);
        int table = leafOf(page);
        if (table == NONE) {
            return TlbEntry.MISS;
        }
        int offset = Sv48.offset(page, 0);
        long right = access == Prot.WRITE ? Sv48.WRITE : access == Prot.EXECUTE ? Sv48.EXECUTE : Sv48.READ;
        long marks = access == Prot.WRITE ? Sv48.ACCESSED | Sv48.DIRTY : Sv48.ACCESSED;
        while (true) {
            long entry = memory.loadVolatile(table, offset);
            if (!Sv48.has(entry, Sv48.VALID | right)) {
                return TlbEntry.MISS;
            }
            if (Sv48.has(entry, marks)) {
                return TlbEntry.of(Sv48.frame(entry), Sv48.prot(entry), Sv48.has(entry, Sv48.WRITE | Sv48.DIRTY));
            }
            mark(table, offset, entry, marks);
        }
    }

    /** The table of level 0 that a hart finds for {@code page}, or {@link #NONE}. */
    private int leafOf(long page) {
        long register = satp;
        if (register == Sv48.BARE) {
            return NONE;
        }
        int table = Sv48.root(register);
        for (int level = TOP; level > 0; level--) {
            long entry = memory.loadVolatile(table, Sv48.offset(page, level));
            if ((entry & Sv48.VALID) == 0) {
                return NONE;
            }
            table = Sv48.frame(entry);
        }
        return table;
    }

    /**
     * The trap that a hart takes instead of setting {@code marks} itself; another may have changed the entry meanwhile.
     */
    private void mark(int table, int offset, long entry, long marks) {
        memory.compareAndSet(table, offset, entry, entry | marks);
    }

    // Single mappings.

    @Override
    public boolean enter(long page, int frame, int prot, int attributes) {
        lock.lock();
        int table = makeLeaf(page);
        if (table != NONE) {
            replace(table, page, Sv48.mapping(frame, prot, attributes));
        }
        shootStale();
        lock.unlock();
        return table != NONE;
    }

    private void replace(int table, long page, long next) {
        int offset = Sv48.offset(page, 0);
        long old = memory.loadVolatile(table, offset);
        boolean same = Sv48.frame(old) == Sv48.frame(next) && ((old ^ next) & Sv48.MANAGED) == 0;
        if (old != 0 && same) {
            change(table, page, next);
            return;
        }
        if (old != 0) {
            breakEntry(table, page);
            shootStale();
            settle(table, page, NOTHING, true);
        }
        insert(table, page, next);
    }

    /** Fills an empty entry. */
    private void insert(int table, long page, long entry) {
        int offset = Sv48.offset(page, 0);
        if ((entry & Sv48.MANAGED) != 0) {
            int frame = Sv48.frame(entry);
            KernelLock chain = chains.lockOf(frame);
            chain.lock();
            chains.add(frame, placeOf(table, page));
            memory.storeVolatile(table, offset, entry);
            chain.unlock();
        } else {
            memory.storeVolatile(table, offset, entry);
        }
        tables.count(table, 1);
        resident++;
        wired += count(entry, Sv48.WIRED);
    }

    private int placeOf(int table, long page) {
        return Chains.place(tables.number(table), (int) page & Sv48.ENTRIES - 1);
    }

    private static int count(long entry, long bit) {
        return (entry & bit) != 0 ? 1 : 0;
    }

    /** Turns a mapping into {@code next}, one of the same frame. */
    private void change(int table, long page, long next) {
        int offset = Sv48.offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(table, offset);
            boolean equal = ((old ^ next) & ~(Sv48.ACCESSED | Sv48.DIRTY)) == 0;
            long wanted = equal ? old | next : next;
            if ((old & ~wanted & ~Sv48.WIRED) != 0 || ((old ^ wanted) & Sv48.MEMORY_TYPE) != 0) {
                breakEntry(table, page);
                shootStale();
                settle(table, page, now -> next, true);
                return;
            }
            if (memory.compareAndSet(table, offset, old, wanted)) {
                wired += count(wanted, Sv48.WIRED) - count(old, Sv48.WIRED);
                return;
            }
        }
    }

    @Override
    public boolean enterQuick(long page, int frame, int prot, int attributes) {
        lock.lock();
        int table = makeLeaf(page);
        boolean empty = table != NONE && memory.loadVolatile(table, Sv48.offset(page, 0)) == 0;
        if (empty) {
            insert(table, page, Sv48.mapping(frame, prot, attributes));
        }
        shootStale();
        lock.unlock();
        return empty;
    }

    @Override
    public long prefaultable(long start, int count) {
        long empty = 0;
        lock.lock();
        for (int i = 0; i < count; i++) {
            int table = leafOf(start + i);
            boolean free = table != NONE && memory.loadVolatile(table, Sv48.offset(start + i, 0)) == 0;
            empty |= free ? 1L << i : 0;
        }
        lock.unlock();
        return empty;
    }

    @Override
    public boolean changeWiring(long page, boolean wire) {
        lock.lock();
        int table = leafOf(page);
        int offset = Sv48.offset(page, 0);
        long old = table == NONE ? 0 : memory.loadVolatile(table, offset);
        while (old != 0 && !memory.compareAndSet(table, offset, old, wire ? old | Sv48.WIRED : old & ~Sv48.WIRED)) {
            old = memory.loadVolatile(table, offset);
        }
        if (old != 0) {
            wired += (wire ? 1 : 0) - count(old, Sv48.WIRED);
        }
        lock.unlock();
        return old != 0;
    }

    @Override
    public long query(long page) {
        lock.lock();
        int table = leafOf(page);
        long entry = table == NONE ? 0 : memory.loadVolatile(table, Sv48.offset(page, 0));
        lock.unlock();
        return entry == 0
                ? MmuMapping.NONE
                : MmuMapping.of(Sv48.frame(entry), Sv48.prot(entry), Sv48.attributes(entry));
    }

    @Override
    public boolean hold(long page, int prot, IntConsumer holder) {
        lock.lock();
        int table = leafOf(page);
        long entry = table == NONE ? 0 : memory.loadVolatile(table, Sv48.offset(page, 0));
        boolean allowed = entry != 0 && (prot & ~Sv48.prot(entry)) == 0;
        if (allowed) {
            // Whoever removes it needs this space's lock first.
            holder.accept(Sv48.frame(entry));
        }
        lock.unlock();
        return allowed;
    }

    // Break, shoot down, settle.

    /** Makes a mapping invalid, and notes it if a TLB may have it. */
    private void breakEntry(int table, long page) {
        int offset = Sv48.offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(table, offset);
            if ((old & Sv48.VALID) == 0) {
                return;
            }
            if (memory.compareAndSet(table, offset, old, old & ~Sv48.VALID)) {
                if ((old & Sv48.ACCESSED) != 0) {
                    staleFrom = Math.min(staleFrom, page);
                    staleTo = Math.max(staleTo, page + 1);
                }
                return;
            }
        }
    }

    /** Makes every TLB forget the broken entries, and frees the tables that no walk can be in then. */
    private void shootStale() {
        if (staleFrom < staleTo) {
            machine.invalidateRange(asid, staleFrom, staleTo);
            staleFrom = Sv48.END;
            staleTo = 0;
        }
        while (deadCount > 0) {
            tables.give(dead[--deadCount]);
        }
    }

    /** What is made of a mapping. */
    @FunctionalInterface
    private interface Change {
        /** What {@code entry} is to be: 0 for nothing, itself to stay as it is. */
        long of(long entry);
    }

    private static final Change NOTHING = entry -> 0;

    /**
     * Makes {@code change} to a mapping that is in no TLB. A dirty bit that goes is reported if {@code tell}; an
     * accessed bit, if the mapping goes.
     */
    private void settle(int table, long page, Change change, boolean tell) {
        long entry = memory.loadVolatile(table, Sv48.offset(page, 0));
        if ((entry & Sv48.MANAGED) == 0) {
            store(table, page, entry, change);
            return;
        }
        KernelLock chain = chains.lockOf(Sv48.frame(entry));
        chain.lock();
        settleChained(table, page, change, tell);
        chain.unlock();
    }

    private void settleChained(int table, long page, Change change, boolean tell) {
        long old = memory.loadVolatile(table, Sv48.offset(page, 0));
        int frame = Sv48.frame(old);
        long next = store(table, page, old, change);
        if (tell && (old & ~next & Sv48.DIRTY) != 0) {
            served.reports.modified(frame);
        }
        if (next == 0) {
            if ((old & Sv48.ACCESSED) != 0) {
                served.reports.referenced(frame);
            }
            chains.remove(frame, placeOf(table, page));
            if (chains.head(frame) == Chains.NONE) {
                served.reports.unmapped(frame);
            }
        }
    }

    private long store(int table, long page, long old, Change change) {
        long next = Sv48.validated(change.of(old));
        memory.storeVolatile(table, Sv48.offset(page, 0), next);
        wired += count(next, Sv48.WIRED) - count(old, Sv48.WIRED);
        if (next == 0) {
            tables.count(table, -1);
            resident--;
        }
        return next;
    }

    // Ranges.

    /** Makes {@code change} to the mappings of the range; see {@link #settle} for the rest. */
    private void rewrite(long start, long end, Change change, boolean tell) {
        lock.lock();
        sweep(start, end, (table, from, to) -> {
            for (long page = from; page < to; page++) {
                long entry = memory.loadVolatile(table, Sv48.offset(page, 0));
                if (entry != 0 && change.of(entry) != entry) {
                    breakEntry(table, page);
                }
            }
        });
        shootStale();
        sweep(start, end, (table, from, to) -> {
            for (long page = from; page < to; page++) {
                long entry = memory.loadVolatile(table, Sv48.offset(page, 0));
                if (entry != 0 && (entry & Sv48.VALID) == 0) {
                    settle(table, page, change, tell);
                }
            }
            unlinkEmpty(from, 0);
        });
        shootStale();
        lock.unlock();
    }

    @Override
    public void remove(long start, long end) {
        rewrite(start, end, NOTHING, true);
    }

    @Override
    public void removeUnwired() {
        rewrite(0, Sv48.END, entry -> (entry & Sv48.WIRED) != 0 ? entry : 0, true);
    }

    @Override
    public void protect(long start, long end, int prot) {
        if ((prot & Prot.READ) == 0) {
            remove(start, end);
            return;
        }
        long lost = ((prot & Prot.WRITE) == 0 ? Sv48.WRITE | Sv48.DIRTY : 0)
                | ((prot & Prot.EXECUTE) == 0 ? Sv48.EXECUTE : 0);
        rewrite(start, end, entry -> entry & ~lost, true);
    }

    @Override
    public void advise(long start, long end, boolean keepModified) {
        rewrite(
                start,
                end,
                entry -> (entry & Sv48.MANAGED) == 0 ? entry : entry & ~(Sv48.ACCESSED | Sv48.DIRTY),
                keepModified);
    }

    @Override
    public void forEach(MappingVisitor visitor) {
        lock.lock();
        try {
            sweep(0, Sv48.END, (table, from, to) -> {
                for (long page = from; page < to; page++) {
                    long entry = memory.loadVolatile(table, Sv48.offset(page, 0));
                    if (entry != 0) {
                        visitor.mapping(page, Sv48.frame(entry), Sv48.prot(entry), Sv48.attributes(entry));
                    }
                }
            });
        } finally {
            lock.unlock();
        }
    }

    /** Removes the first mapping in the chain of {@code frame}, if it is one of this space. */
    void removeFirst(int frame) {
        KernelLock chain = chains.lockOf(frame);
        lock.lock();
        chain.lock();
        int place = chains.head(frame);
        if (place != Chains.NONE && tables.owner(Chains.table(place)) == this) {
            int table = tables.frame(Chains.table(place));
            long page = tables.page(Chains.table(place)) + Chains.index(place);
            breakEntry(table, page);
            shootStale();
            settleChained(table, page, NOTHING, true);
            chain.unlock();
            descend(page);
            unlinkEmpty(page, 0);
            shootStale();
        } else {
            chain.unlock();
        }
        lock.unlock();
    }

    // Tables.

    /** What to do with entries {@code [from, to)} of one table of level 0; {@link #path} leads to it. */
    @FunctionalInterface
    private interface Sweep {
        void table(int table, long from, long to);
    }

    private void sweep(long start, long end, Sweep work) {
        long page = start;
        while (page < end && satp != Sv48.BARE) {
            int level = descend(page);
            int covered = Math.max(level, 1) * Sv48.INDEX_BITS;
            long next = Math.min(end, (page >>> covered) + 1 << covered);
            if (level == 0) {
                work.table(path[0], page, next);
            }
            page = next;
        }
    }

    /**
     * Follows the tables towards {@code page} and keeps them in {@link #path}; returns the level of the last one found.
     */
    private int descend(long page) {
        path[TOP] = Sv48.root(satp);
        for (int level = TOP; level > 0; level--) {
            long entry = memory.loadVolatile(path[level], Sv48.offset(page, level));
            if ((entry & Sv48.VALID) == 0) {
                return level;
            }
            path[level - 1] = Sv48.frame(entry);
        }
        return 0;
    }

    /** The table of level 0 for {@code page}, made if need be; {@link #NONE} when no frame is left. */
    private int makeLeaf(long page) {
        if (page < 0 || page >= Sv48.END || released) {
            throw new KernelPanic("enter: page %#x in space %d, released: %s", page, asid, released);
        }
        if (satp == Sv48.BARE) {
            int root = tables.take(this, 0);
            if (root == NONE) {
                return NONE;
            }
            satp = Sv48.satp(asid, root);
        }
        int level = descend(page);
        while (level > 0) {
            int below = level - 1;
            int table = tables.take(this, page & -1L << level * Sv48.INDEX_BITS);
            if (table == NONE) {
                unlinkEmpty(page, level);
                return NONE;
            }
            if (below == 0) {
                chains.prepare(tables.number(table));
            }
            memory.storeVolatile(path[level], Sv48.offset(page, level), Sv48.table(table));
            tables.count(path[level], 1);
            path[below] = table;
            level = below;
        }
        return path[0];
    }

    /**
     * Unlinks the tables that are empty on the {@link #path} to {@code page}, from {@code level} upwards, but the
     * uppermost.
     */
    private void unlinkEmpty(long page, int level) {
        for (int i = level; i < TOP && tables.count(path[i], 0) == 0; i++) {
            memory.storeVolatile(path[i + 1], Sv48.offset(page, i + 1), 0);
            tables.count(path[i + 1], -1);
            bury(path[i]);
            staleFrom = Math.min(staleFrom, page);
            staleTo = Math.max(staleTo, page + 1);
        }
    }

    private void bury(int table) {
        if (deadCount == dead.length) {
            dead = Arrays.copyOf(dead, 2 * deadCount);
        }
        dead[deadCount++] = table;
    }

    @Override
    public void release() {
        remove(0, Sv48.END);
        lock.lock();
        if (satp != Sv48.BARE) {
            bury(Sv48.root(satp));
            satp = Sv48.BARE;
            staleFrom = 0;
            staleTo = Sv48.END;
        }
        shootStale();
        released = true;
        lock.unlock();
        served.forget(this);
    }

    @Override
    public long residentCount() {
        lock.lock();
        long count = resident;
        lock.unlock();
        return count;
    }

    @Override
    public long wiredCount() {
        lock.lock();
        long count = wired;
        lock.unlock();
        return count;
    }
}
