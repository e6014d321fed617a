// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.concurrent.atomic.AtomicInteger;
import penumbra.hw.Machine;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuReports;
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
 * <p>Two locks guard them. The space's own (rank {@code PMAP}) guards which tables there are, every count, and who may put
 * an entry into an empty slot. An entry of a managed mapping appears and disappears only under the lock of its frame's
 * list (rank {@code PV}) as well; so whoever holds that lock and finds a mapping in the list can rely on its entry and on
 * the tables above it, without the space's lock. Such a page operation removes the entry and counts it later, in
 * {@link #settle}; until then the count keeps the table alive.
 *
 * <p>The bits of an entry change by compare-and-set, since CPUs set accessed and modified bits at any time. A modified bit
 * is reported before it is cleared, or under the list's lock, so that nobody finds it neither here nor there. Clearing it
 * or the accessed bit, like taking away rights, is followed by a shootdown; an entry whose accessed bit is clear is in no
 * TLB and needs none. A table is freed after a shootdown, which no walk outlasts.
 */
final class Amd64Space implements MmuSpace {
    private static final int NONE = TableFrames.NONE;
    private static final int LEVELS = 4;
    private static final int TOP = LEVELS - 1;
    private static final int INDEX_BITS = 9;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
    /** Behind the last page that four levels can map. */
    private static final long END = 1L << LEVELS * INDEX_BITS;

    private final int asid;
    private final Machine machine;
    private final PhysicalMemory memory;
    private final MmuReports reports;
    private final TableFrames tables;
    private final PvLists pv;
    private final KernelLock lock = new KernelLock(LockRank.PMAP, "pmap");
    private final DirectoryCache directory = new DirectoryCache();

    /** Mappings that {@link #take} removed and {@link #settle} has not counted yet: gone, but still in the resident count. */
    private final AtomicInteger taken = new AtomicInteger();

    /** The table of the top level; {@link #NONE} before the first mapping is made and once the space is released. */
    private volatile int root = NONE;

    private boolean released;
    /** The tables on the way to the page last looked for, by level. */
    private final int[] path = new int[LEVELS];
    /** Pages {@code [staleFrom, staleTo)} are to be shot down before the lock is released. */
    private long staleFrom = END;

    private long staleTo;
    /** Tables to free after that. */
    private int dead = NONE;

    private long resident;
    private long wired;

    /** An empty space; it takes its first table when something is mapped. */
    Amd64Space(int asid, Machine machine, PhysicalMemory memory, MmuReports reports, TableFrames tables, PvLists pv) {
        this.asid = asid;
        this.machine = machine;
        this.memory = memory;
        this.reports = reports;
        this.tables = tables;
        this.pv = pv;
    }

    // What the hardware does.

    @Override
    public long walk(long address, int access) {
        long page = PageSize.index(address);
        int leaf = leaf(page);
        if (leaf == NONE) {
            return TlbEntry.MISS;
        }
        int at = offset(page, 0);
        while (true) {
            long pte = memory.loadVolatile(leaf, at);
            if ((pte & Pte.PRESENT) == 0 || (Pte.prot(pte) & access) == 0) {
                return TlbEntry.MISS;
            }
            long used = pte | Pte.ACCESSED | (access == Prot.WRITE ? Pte.DIRTY : 0);
            if (used == pte || memory.compareAndSet(leaf, at, pte, used)) {
                return TlbEntry.of(Pte.frame(used), Pte.prot(used), Pte.has(used, Pte.WRITE | Pte.DIRTY));
            }
        }
    }

    /** The table of the lowest level for {@code page}, or {@link #NONE}. */
    private int leaf(long page) {
        int known = directory.find(page);
        if (known != NONE) {
            return known;
        }
        int table = root;
        for (int level = TOP; level > 0 && table != NONE; level--) {
            long entry = memory.loadVolatile(table, offset(page, level));
            table = (entry & Pte.PRESENT) == 0 ? NONE : Pte.frame(entry);
        }
        return table;
    }

    private static int offset(long page, int level) {
        return (int) (page >>> level * INDEX_BITS & INDEX_MASK) * Long.BYTES;
    }

    // Single mappings.

    @Override
    public boolean enter(long page, int frame, int prot, int attributes) {
        lock.lock();
        int leaf = makeLeaf(page);
        if (leaf != NONE) {
            replace(leaf, page, Pte.of(frame, prot, attributes));
        }
        shootStale();
        lock.unlock();
        return leaf != NONE;
    }

    private void replace(int leaf, long page, long wanted) {
        long old = memory.loadVolatile(leaf, offset(page, 0));
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

    /** Replaces a present entry, keeping its bits when nothing else differs, else reporting them; returns the old one or 0. */
    private long exchange(int leaf, long page, long wanted) {
        int at = offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            if (old == 0) {
                return 0;
            }
            boolean equal = ((old ^ wanted) & ~(Pte.ACCESSED | Pte.DIRTY)) == 0;
            long next = equal ? old | wanted : wanted;
            if (!equal && (old & Pte.MANAGED) != 0 && (old & ~next & Pte.DIRTY) != 0) {
                reports.modified(Pte.frame(old));
            }
            if (next == old || memory.compareAndSet(leaf, at, old, next)) {
                long lost = old & ~next & (Pte.WRITE | Pte.DIRTY | Pte.ACCESSED);
                boolean weaker = lost != 0 || (next & ~old & Pte.NO_EXECUTE) != 0;
                if (weaker) {
                    markStale(page, old);
                }
                return old;
            }
        }
    }

    @Override
    public boolean enterQuick(long page, int frame, int prot, int attributes) {
        lock.lock();
        int leaf = makeLeaf(page);
        boolean empty = leaf != NONE && memory.loadVolatile(leaf, offset(page, 0)) == 0;
        if (empty) {
            insert(leaf, page, Pte.of(frame, prot, attributes));
        }
        shootStale();
        lock.unlock();
        return empty;
    }

    @Override
    public boolean prefaultable(long page) {
        lock.lock();
        int leaf = leaf(page);
        boolean empty = leaf != NONE && memory.loadVolatile(leaf, offset(page, 0)) == 0;
        lock.unlock();
        return empty;
    }

    /** Fills an empty slot. */
    private void insert(int leaf, long page, long pte) {
        int at = offset(page, 0);
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
    private void clear(int leaf, long page) {
        int at = offset(page, 0);
        long pte = memory.loadVolatile(leaf, at);
        if ((pte & Pte.MANAGED) != 0) {
            int frame = Pte.frame(pte);
            KernelLock list = pv.lockOf(frame);
            list.lock();
            pte = swap(leaf, at);
            if (pte != 0) {
                pv.remove(frame, PvLists.key(asid, page));
                report(pte);
                if (pv.head(frame) == PvLists.NONE) {
                    reports.unmapped(frame);
                }
            }
            list.unlock();
        } else if (pte != 0) {
            pte = swap(leaf, at);
        }
        if (pte != 0) {
            uncount(leaf, pte);
            markStale(page, pte);
        }
    }

    private long swap(int leaf, int at) {
        long pte = memory.loadVolatile(leaf, at);
        while (pte != 0 && !memory.compareAndSet(leaf, at, pte, 0)) {
            pte = memory.loadVolatile(leaf, at);
        }
        return pte;
    }

    private void report(long pte) {
        if ((pte & Pte.MANAGED) == 0) {
            return;
        }
        if ((pte & Pte.DIRTY) != 0) {
            reports.modified(Pte.frame(pte));
        }
        if ((pte & Pte.ACCESSED) != 0) {
            reports.referenced(Pte.frame(pte));
        }
    }

    private void uncount(int leaf, long pte) {
        tables.dropEntry(leaf);
        resident--;
        wired -= count(pte, Pte.WIRED);
    }

    private static int count(long pte, long bit) {
        return (pte & bit) != 0 ? 1 : 0;
    }

    @Override
    public boolean changeWiring(long page, boolean wire) {
        lock.lock();
        int leaf = leaf(page);
        long old = leaf == NONE ? 0 : set(leaf, page, wire ? 0 : Pte.WIRED, wire ? Pte.WIRED : 0);
        if (old != 0) {
            wired += (wire ? 1 : 0) - count(old, Pte.WIRED);
        }
        lock.unlock();
        return old != 0;
    }

    /** Clears and sets bits of a present entry; returns the old entry, or 0 when there is none. */
    private long set(int leaf, long page, long clear, long set) {
        int at = offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            long next = old & ~clear | set;
            if (old == 0 || next == old || memory.compareAndSet(leaf, at, old, next)) {
                return old;
            }
        }
    }

    @Override
    public long query(long page) {
        lock.lock();
        int leaf = leaf(page);
        long pte = leaf == NONE ? 0 : memory.loadVolatile(leaf, offset(page, 0));
        lock.unlock();
        if (pte == 0) {
            return -1;
        }
        return (long) Pte.frame(pte) << 8 | (long) Pte.attributes(pte) << 3 | Pte.prot(pte);
    }

    // Ranges.

    @Override
    public void remove(long start, long end) {
        lock.lock();
        forEachLeaf(start, end, this::clearLeaf);
        shootStale();
        lock.unlock();
    }

    private void clearLeaf(int leaf, long from, long to) {
        for (long page = from; page < to; page++) {
            clear(leaf, page);
        }
        unlinkEmpty(from, 0);
    }

    @Override
    public void removeUnwired() {
        lock.lock();
        forEachLeaf(0, END, this::clearUnwired);
        shootStale();
        lock.unlock();
    }

    private void clearUnwired(int leaf, long from, long to) {
        for (long page = from; page < to; page++) {
            if ((memory.loadVolatile(leaf, offset(page, 0)) & Pte.WIRED) == 0) {
                clear(leaf, page);
            }
        }
        unlinkEmpty(from, 0);
    }

    @Override
    public void protect(long start, long end, int prot) {
        if ((prot & Prot.READ) == 0) {
            remove(start, end);
            return;
        }
        long lost = (prot & Prot.WRITE) == 0 ? Pte.WRITE | Pte.DIRTY : 0;
        long gained = (prot & Prot.EXECUTE) == 0 ? Pte.NO_EXECUTE : 0;
        lock.lock();
        forEachLeaf(start, end, (leaf, from, to) -> {
            for (long page = from; page < to; page++) {
                weaken(leaf, page, lost, gained);
            }
        });
        shootStale();
        lock.unlock();
    }

    private void weaken(int leaf, long page, long lost, long gained) {
        int at = offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            long next = old & ~lost | gained;
            if (old == 0 || next == old) {
                return;
            }
            if (Pte.has(old & ~next, Pte.DIRTY) && Pte.has(old, Pte.MANAGED)) {
                reports.modified(Pte.frame(old));
            }
            if (memory.compareAndSet(leaf, at, old, next)) {
                markStale(page, old);
                return;
            }
        }
    }

    @Override
    public void advise(long start, long end, boolean keepModified) {
        lock.lock();
        forEachLeaf(start, end, (leaf, from, to) -> {
            for (long page = from; page < to; page++) {
                forget(leaf, page, keepModified);
            }
        });
        shootStale();
        lock.unlock();
    }

    private void forget(int leaf, long page, boolean keepModified) {
        int at = offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            long next = old & ~(Pte.ACCESSED | Pte.DIRTY);
            if ((old & Pte.MANAGED) == 0 || next == old) {
                return;
            }
            if (keepModified && (old & Pte.DIRTY) != 0) {
                reports.modified(Pte.frame(old));
            }
            if (memory.compareAndSet(leaf, at, old, next)) {
                markStale(page, old);
                return;
            }
        }
    }

    @Override
    public void forEach(MappingVisitor visitor) {
        lock.lock();
        try {
            forEachLeaf(0, END, (leaf, from, to) -> show(leaf, from, to, visitor));
        } finally {
            lock.unlock();
        }
    }

    private void show(int leaf, long from, long to, MappingVisitor visitor) {
        for (long page = from; page < to; page++) {
            long pte = memory.loadVolatile(leaf, offset(page, 0));
            if (pte != 0) {
                visitor.mapping(page, Pte.frame(pte), Pte.prot(pte), Pte.attributes(pte));
            }
        }
    }

    // Tables.

    /** What to do with entries {@code [from, to)} of one table of the lowest level; {@link #path} leads to it. */
    @FunctionalInterface
    private interface LeafWork {
        void leaf(int leaf, long from, long to);
    }

    private void forEachLeaf(long start, long end, LeafWork work) {
        long page = start;
        while (page < end && root != NONE) {
            int level = descend(page);
            int covered = Math.max(level, 1) * INDEX_BITS;
            long next = Math.min(end, (page >>> covered) + 1 << covered);
            if (level == 0) {
                work.leaf(path[0], page, next);
            }
            page = next;
        }
    }

    /** Follows the tables towards {@code page} and keeps them in {@link #path}; returns the level of the last one found. */
    private int descend(long page) {
        path[TOP] = root;
        for (int level = TOP; level > 0; level--) {
            long entry = memory.loadVolatile(path[level], offset(page, level));
            if ((entry & Pte.PRESENT) == 0) {
                return level;
            }
            path[level - 1] = Pte.frame(entry);
        }
        return 0;
    }

    /** The table of the lowest level for {@code page}, made if need be; {@link #NONE} when no frame is left. */
    private int makeLeaf(long page) {
        if (page < 0 || page >= END || released) {
            throw new KernelPanic("enter: page %#x in space %d, released: %s", page, asid, released);
        }
        if (root == NONE) {
            root = tables.take();
        }
        if (root == NONE) {
            return NONE;
        }
        int known = directory.find(page);
        if (known != NONE) {
            return known;
        }
        int level = descend(page);
        while (level > 0) {
            int table = tables.take();
            if (table == NONE) {
                unlinkEmpty(page, level);
                return NONE;
            }
            memory.storeVolatile(path[level], offset(page, level), Pte.table(table));
            tables.addEntry(path[level]);
            level--;
            path[level] = table;
        }
        directory.remember(page, path[0]);
        return path[0];
    }

    /** Takes the tables that are empty out of the {@link #path} to {@code page}, from {@code level} upwards. */
    private void unlinkEmpty(long page, int level) {
        for (int i = level; i < TOP && tables.isEmpty(path[i]); i++) {
            memory.storeVolatile(path[i + 1], offset(page, i + 1), 0);
            directory.forget(page);
            tables.dropEntry(path[i + 1]);
            dead = tables.chain(path[i], dead);
            staleFrom = Math.min(staleFrom, page);
            staleTo = Math.max(staleTo, page + 1);
        }
    }

    /** Notes that {@code page} must be shot down, unless {@code old} shows that no TLB can have it. */
    private void markStale(long page, long old) {
        if ((old & Pte.ACCESSED) != 0) {
            staleFrom = Math.min(staleFrom, page);
            staleTo = Math.max(staleTo, page + 1);
        }
    }

    /** Shoots down what was noted and frees the tables that were unlinked. */
    private void shootStale() {
        if (staleFrom < staleTo) {
            machine.invalidateRange(asid, staleFrom, staleTo);
            staleFrom = END;
            staleTo = 0;
        }
        tables.give(dead);
        dead = NONE;
    }

    @Override
    public void release() {
        lock.lock();
        forEachLeaf(0, END, this::clearLeaf);
        int top = root;
        root = NONE;
        directory.forgetAll();
        released = true;
        if (top != NONE) {
            chainAll(top, TOP);
            staleFrom = 0;
            staleTo = END;
        }
        shootStale();
        resident = 0;
        wired = 0;
        lock.unlock();
    }

    /** Chains a table and what is below it: tables that wait to be settled too. */
    private void chainAll(int table, int level) {
        for (int at = 0; level > 0 && at < PageSize.BYTES; at += Long.BYTES) {
            long entry = memory.loadVolatile(table, at);
            if ((entry & Pte.PRESENT) != 0) {
                chainAll(Pte.frame(entry), level - 1);
            }
        }
        dead = tables.chain(table, dead);
    }

    // Page operations: under the lock of the frame's list, which has a mapping at the page.

    /** Removes the managed mapping of {@code frame} at {@code page} and reports its bits; {@link #settle} must follow. */
    long take(long page, int frame) {
        int leaf = leaf(page);
        long pte = leaf == NONE ? 0 : swap(leaf, offset(page, 0));
        if (!Pte.has(pte, Pte.PRESENT | Pte.MANAGED) || Pte.frame(pte) != frame) {
            throw new KernelPanic(
                    "pmap: page %#x of space %d has entry %#x, not a mapping of frame %#x", page, asid, pte, frame);
        }
        taken.incrementAndGet();
        report(pte);
        return pte;
    }

    /** Counts, under the space's lock alone, that {@link #take} removed {@code pte}, and shoots it down. */
    void settle(long page, long pte) {
        lock.lock();
        markStale(page, pte);
        if (root != NONE && descend(page) == 0) {
            uncount(path[0], pte);
            unlinkEmpty(page, 0);
        }
        taken.decrementAndGet();
        shootStale();
        lock.unlock();
    }

    /** Takes away the right to write, reporting the modified bit; whether it was there. */
    boolean writeProtect(long page) {
        int leaf = leaf(page);
        int at = offset(page, 0);
        while (true) {
            long old = memory.loadVolatile(leaf, at);
            if ((old & Pte.WRITE) == 0) {
                return false;
            }
            if (memory.compareAndSet(leaf, at, old, old & ~(Pte.WRITE | Pte.DIRTY))) {
                shoot(page, old);
                if ((old & Pte.DIRTY) != 0) {
                    reports.modified(Pte.frame(old));
                }
                return true;
            }
        }
    }

    /** Clears the modified bit; whether it was set. */
    boolean clearModified(long page) {
        return clearBit(page, Pte.DIRTY);
    }

    /** Clears the accessed bit; whether it was set. */
    boolean clearAccessed(long page) {
        return clearBit(page, Pte.ACCESSED);
    }

    private boolean clearBit(long page, long bit) {
        long old = set(leaf(page), page, bit, 0);
        if ((old & bit) == 0) {
            return false;
        }
        shoot(page, old);
        return true;
    }

    private void shoot(long page, long old) {
        if ((old & Pte.ACCESSED) != 0) {
            machine.invalidatePage(asid, page);
        }
    }

    /** Whether the modified bit is set. */
    boolean isModified(long page) {
        return has(page, Pte.DIRTY);
    }

    /** Whether the accessed bit is set. */
    boolean isAccessed(long page) {
        return has(page, Pte.ACCESSED);
    }

    /** Whether the mapping is wired. */
    boolean isWired(long page) {
        return has(page, Pte.WIRED);
    }

    private boolean has(long page, long bit) {
        return (memory.loadVolatile(leaf(page), offset(page, 0)) & bit) != 0;
    }

    @Override
    public long residentCount() {
        lock.lock();
        long count = resident - taken.get();
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
