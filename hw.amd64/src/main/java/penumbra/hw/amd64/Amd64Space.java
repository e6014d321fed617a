// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * One address space's mappings.
 *
 * <p>Two locks guard them. The space's own (rank {@code PMAP}) guards which tables there are, every count, who may put an
 * entry into an empty slot, and promotion. An entry of a managed mapping appears and disappears, and a superpage is changed,
 * only under the lock of the frame's list (rank {@code PV}) as well; so whoever holds that lock and finds a mapping in the list
 * can rely on its entry and on the tables above it, without the space's lock. Such a page operation removes the entry and
 * counts it later, in {@link #settle}; until then the count keeps the table alive.
 *
 * <p>The bits of an entry change by compare-and-set, since CPUs set accessed and modified bits at any time. A modified bit
 * is reported before it is cleared, or under the list's lock, so that nobody finds it neither here nor there. Clearing it
 * or the accessed bit, like taking away rights, is followed by a shootdown; an entry whose accessed bit is clear is in no
 * TLB and needs none. A table is freed after a shootdown, which no walk outlasts.
 *
 * <p>The right to write is what entry and directory both allow. A range of whole 2 MiB loses it in the directory alone; the
 * entries below keep theirs, and their modified bits, until one of them is to be written again.
 */
final class Amd64Space implements MmuSpace {
    private static final int NONE = TableFrames.NONE;
    /** Whatever a TLB can have of 2 MiB whose entries were not looked at. */
    private static final int REGION = Pte.LARGE_PAGES;

    private final int asid;
    private final Shared shared;
    private final PhysicalMemory memory;
    private final TableFrames tables;
    private final PvLists pv;
    private final TableTree tree;
    private final Superpages superpages;
    private final Shootdown shootdown;
    private final KernelLock lock = new KernelLock(LockRank.PMAP, "pmap");

    /** Mappings that {@link #take} removed and {@link #settle} has not counted yet: gone, but still in the resident count. */
    private final AtomicInteger taken = new AtomicInteger();

    private boolean released;
    private long resident;
    private long wired;

    /** An empty space; it takes its first table when something is mapped. */
    Amd64Space(int asid, Shared shared) {
        this.asid = asid;
        this.shared = shared;
        this.memory = shared.memory();
        this.tables = shared.tables();
        this.pv = shared.pv();
        this.tree = new TableTree(memory, tables);
        this.superpages = new Superpages(asid, shared, tree);
        this.shootdown = new Shootdown(asid, shared.machine(), pv);
    }

    // What the hardware does.

    @Override
    public long walk(long address, int access) {
        long page = PageSize.index(address);
        long entry = tree.entry(page);
        if (entry == 0) {
            return TlbEntry.MISS;
        }
        if (Pte.isLarge(entry)) {
            return walkSuperpage(page, entry, access);
        }
        int leaf = Pte.frame(entry);
        int at = TableTree.offset(page, 0);
        while (true) {
            long pte = memory.loadVolatile(leaf, at);
            if ((pte & Pte.PRESENT) == 0 || (Pte.prot(Pte.limited(pte, entry)) & access) == 0) {
                return TlbEntry.MISS;
            }
            long used = pte | Pte.ACCESSED | (access == Prot.WRITE ? Pte.DIRTY : 0);
            if (used == pte || memory.compareAndSet(leaf, at, pte, used)) {
                return translation(Pte.limited(used, entry));
            }
        }
    }

    private long walkSuperpage(long page, long entry, int access) {
        long pte = Pte.small(entry, page);
        if ((Pte.prot(pte) & access) == 0) {
            return TlbEntry.MISS;
        }
        boolean used = (entry & Pte.ACCESSED) != 0 || tree.exchangeEntry(page, entry, entry | Pte.ACCESSED);
        return used ? translation(pte) : walk(PageSize.bytes(page), access);
    }

    private static long translation(long pte) {
        return TlbEntry.of(Pte.frame(pte), Pte.prot(pte), Pte.has(pte, Pte.WRITE | Pte.DIRTY));
    }

    // Single mappings.

    @Override
    public boolean enter(long page, int frame, int prot, int attributes) {
        long wanted = Pte.of(frame, prot, attributes);
        lock.lock();
        long entry = make(page);
        boolean there = Pte.isLarge(entry) && says(Pte.small(entry, page), wanted);
        if (entry != 0 && !there) {
            int leaf = leafFor(page, entry, wanted);
            replace(leaf, page, wanted);
            if (shared.reports().optimised() && tables.isFull(leaf)) {
                superpages.promote(page, leaf);
            }
        }
        fire();
        lock.unlock();
        return entry != 0;
    }

    /** Whether {@code pte} is {@code wanted}, or would only gain bits that it has. */
    private static boolean says(long pte, long wanted) {
        return (pte & ~(Pte.ACCESSED | Pte.DIRTY) | wanted & (Pte.ACCESSED | Pte.DIRTY)) == wanted
                && (wanted & ~pte) == 0;
    }

    private long make(long page) {
        if (page < 0 || page >= TableTree.END || released) {
            throw new KernelPanic("enter: page %#x in space %d, released: %s", page, asid, released);
        }
        long entry = tree.make(page);
        if (entry == 0) {
            // Upper tables that were made in vain: a walk may be in them.
            shootdown.add(page, page + 1);
        }
        return entry;
    }

    /** The table for {@code page}, below a directory's {@code entry} that allows all that {@code wanted} does. */
    private int leafFor(long page, long entry, long wanted) {
        int leaf = superpages.leaf(page, entry);
        if (!Pte.isLarge(entry) && Pte.limited(wanted, entry) != wanted) {
            pushDown(leaf, entry);
            tree.setEntry(page, Pte.table(leaf));
        }
        return leaf;
    }

    /** Limits every entry of {@code leaf} as the directory's {@code entry} does; modified bits stay. */
    private void pushDown(int leaf, long entry) {
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            long old;
            long next;
            do {
                old = memory.loadVolatile(leaf, at);
                next = old == 0 ? 0 : Pte.limited(old, entry);
            } while (next != old && !memory.compareAndSet(leaf, at, old, next));
        }
    }

    private void replace(int leaf, long page, long wanted) {
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

    /** Replaces a present entry, keeping its bits when nothing else differs, else reporting them; returns the old one or 0. */
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
            if (lost != 0 || (next & ~old & Pte.NO_EXECUTE) != 0) {
                shootdown.weaken(page, old);
            }
            if (next == old || memory.compareAndSet(leaf, at, old, next)) {
                return old;
            }
        }
    }

    @Override
    public boolean enterQuick(long page, int frame, int prot, int attributes) {
        long wanted = Pte.of(frame, prot, attributes);
        lock.lock();
        long entry = make(page);
        boolean empty = isEmpty(page, entry);
        if (empty) {
            insert(leafFor(page, entry, wanted), page, wanted);
        }
        fire();
        lock.unlock();
        return empty;
    }

    /** Whether there is a table below {@code entry} and nothing is mapped at {@code page}. */
    private boolean isEmpty(long page, long entry) {
        return entry != 0
                && !Pte.isLarge(entry)
                && memory.loadVolatile(Pte.frame(entry), TableTree.offset(page, 0)) == 0;
    }

    @Override
    public boolean prefaultable(long page) {
        lock.lock();
        boolean empty = isEmpty(page, tree.entry(page));
        lock.unlock();
        return empty;
    }

    /** Fills an empty slot. */
    private void insert(int leaf, long page, long pte) {
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
    private void clear(int leaf, long page) {
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

    @Override
    public boolean changeWiring(long page, boolean wire) {
        lock.lock();
        long entry = tree.entry(page);
        long old = entry == 0 ? 0 : set(superpages.leaf(page, entry), page, wire ? 0 : Pte.WIRED, wire ? Pte.WIRED : 0);
        if (old != 0) {
            wired += (wire ? 1 : 0) - count(old, Pte.WIRED);
        }
        lock.unlock();
        return old != 0;
    }

    /** Clears and sets bits of a present entry; returns the old entry, or 0 when there is none. */
    private long set(int leaf, long page, long clear, long set) {
        int at = TableTree.offset(page, 0);
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
        long pte = tree.leaf(page);
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
        tree.forEach(start, end, this::clearPart);
        fire();
        lock.unlock();
    }

    private void clearPart(long from, long to) {
        if (to - from == REGION && removeSuperpage(from, 0)) {
            return;
        }
        int leaf = superpages.leaf(from, tree.entry(from));
        for (long page = from; page < to; page++) {
            clear(leaf, page);
        }
        unlinkEmpty(from, leaf);
    }

    /**
     * Removes what is mapped at once from {@code first} on, unless it has one of the bits {@code not}; false then, or
     * if it is no superpage.
     */
    private boolean removeSuperpage(long first, long not) {
        long seen = tree.entry(first);
        if (!Pte.isLarge(seen)) {
            return false;
        }
        @Nullable KernelLock list = superpages.lockOf(seen);
        if (list != null) {
            list.lock();
        }
        boolean removes = Pte.isLarge(tree.entry(first)) && (seen & not) == 0;
        if (removes) {
            shootdown.weaken(first, seen | Pte.ACCESSED);
            shootdown.add(first, first + REGION);
            int leaf = superpages.kept(first);
            report(superpages.remove(first));
            tables.setAllUsed(leaf, false);
            tree.unlink(first, leaf);
            resident -= REGION;
            wired -= REGION * count(seen, Pte.WIRED);
        }
        if (list != null) {
            list.unlock();
        }
        return removes;
    }

    /** Reports the bits of each page of a superpage that was removed. */
    private void report(long large) {
        boolean silent = (large & (Pte.ACCESSED | Pte.DIRTY)) == 0
                && pv.head(PvLists.superpage(Pte.frame(large))) != PvLists.NONE;
        for (int i = 0; i < REGION && (large & Pte.MANAGED) != 0 && !silent; i++) {
            shared.report(Pte.small(large, i));
        }
    }

    @Override
    public void removeUnwired() {
        lock.lock();
        tree.forEach(0, TableTree.END, this::clearUnwired);
        fire();
        lock.unlock();
    }

    private void clearUnwired(long from, long to) {
        if (removeSuperpage(from, Pte.WIRED)) {
            return;
        }
        long entry = tree.entry(from);
        if (Pte.isLarge(entry) && (entry & Pte.WIRED) != 0) {
            return;
        }
        int leaf = superpages.leaf(from, entry);
        for (long page = from; page < to; page++) {
            if ((memory.loadVolatile(leaf, TableTree.offset(page, 0)) & Pte.WIRED) == 0) {
                clear(leaf, page);
            }
        }
        unlinkEmpty(from, leaf);
    }

    private void unlinkEmpty(long page, int leaf) {
        if (tables.isEmpty(leaf)) {
            tree.unlink(page, leaf);
            shootdown.add(page, page + 1);
        }
    }

    @Override
    public void protect(long start, long end, int prot) {
        if ((prot & Prot.READ) == 0) {
            remove(start, end);
            return;
        }
        long lost = (prot & Prot.WRITE) == 0 ? Pte.WRITE : 0;
        long gained = (prot & Prot.EXECUTE) == 0 ? Pte.NO_EXECUTE : 0;
        boolean lazily = shared.reports().optimised();
        lock.lock();
        tree.forEach(start, end, (from, to) -> {
            if (lazily && to - from == REGION) {
                limit(from, lost, gained);
            } else {
                weakenPart(from, to, lost == 0 ? 0 : lost | Pte.DIRTY, gained);
            }
        });
        fire();
        lock.unlock();
    }

    /** Takes rights away from 2 MiB in the directory's entry, superpage or not. */
    private void limit(long first, long lost, long gained) {
        long seen = tree.entry(first);
        if ((seen & ~lost | gained) == seen) {
            return;
        }
        shootdown.add(first, first + REGION);
        @Nullable KernelLock list = Pte.isLarge(seen) ? superpages.lockOf(seen) : null;
        if (list != null) {
            list.lock();
        }
        // A page operation may have made a table of the superpage.
        superpages.limit(first, lost, gained);
        if (list != null) {
            list.unlock();
        }
    }

    private void weakenPart(long from, long to, long lost, long gained) {
        int leaf = superpages.leaf(from, tree.entry(from));
        for (long page = from; page < to; page++) {
            weaken(leaf, page, lost, gained, true);
        }
    }

    /**
     * Takes bits from a present entry and gives it others; {@code report} tells whether a modified bit among them is
     * reported.
     */
    private void weaken(int leaf, long page, long lost, long gained, boolean report) {
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

    @Override
    public void advise(long start, long end, boolean keepModified) {
        lock.lock();
        tree.forEach(start, end, (from, to) -> forgetPart(from, to, keepModified));
        fire();
        lock.unlock();
    }

    private void forgetPart(long from, long to, boolean keepModified) {
        int leaf = superpages.leaf(from, tree.entry(from));
        for (long page = from; page < to; page++) {
            if ((memory.loadVolatile(leaf, TableTree.offset(page, 0)) & Pte.MANAGED) != 0) {
                weaken(leaf, page, Pte.ACCESSED | Pte.DIRTY, 0, keepModified);
            }
        }
    }

    @Override
    public void copy(MmuSpace source, long start, long end) {
        if (!(source instanceof Amd64Space from)
                || from == this
                || !shared.reports().optimised()) {
            return;
        }
        from.lock.lock();
        // Against the order of locks, so by trying; what is not copied here comes by faults.
        if (lock.tryLock()) {
            from.tree.forEach(start, end, (first, last) -> {
                if (last - first == REGION) {
                    copySuperpage(from, first);
                }
            });
            fire();
            lock.unlock();
        }
        from.lock.unlock();
    }

    private void copySuperpage(Amd64Space from, long first) {
        long seen = from.tree.entry(first);
        if (!Pte.isLarge(seen) || tree.entry(first) != 0 || released) {
            return;
        }
        @Nullable KernelLock list = superpages.lockOf(seen);
        if (list != null) {
            list.lock();
        }
        if (Pte.isLarge(from.tree.entry(first))) {
            if (superpages.copy(first, from.tree.entry(first))) {
                resident += REGION;
            } else {
                shootdown.add(first, first + 1);
            }
        }
        if (list != null) {
            list.unlock();
        }
    }

    @Override
    public void forEach(MappingVisitor visitor) {
        lock.lock();
        try {
            tree.forEach(0, TableTree.END, (from, to) -> show(from, to, visitor));
        } finally {
            lock.unlock();
        }
    }

    private void show(long from, long to, MappingVisitor visitor) {
        for (long page = from; page < to; page++) {
            long pte = tree.leaf(page);
            if (pte != 0) {
                visitor.mapping(page, Pte.frame(pte), Pte.prot(pte), Pte.attributes(pte));
            }
        }
    }

    @Override
    public List<String> path(long page) {
        lock.lock();
        List<String> lines = tree.path(page);
        lock.unlock();
        return lines;
    }

    /** Shoots down what the operation took away, and frees the tables that it unlinked. */
    private void fire() {
        shootdown.fire();
        tree.free();
    }

    @Override
    public void release() {
        lock.lock();
        tree.forEach(0, TableTree.END, this::clearPart);
        tree.unlinkAll();
        released = true;
        shootdown.add(0, TableTree.END);
        fire();
        resident = 0;
        wired = 0;
        lock.unlock();
    }

    // Page operations: under the lock of the frame's list, which has a mapping at the page.

    /** Whether the mapping at {@code page} is of 2 MiB and has one of {@code bits}. */
    boolean isSuperpageWith(long page, long bits) {
        long entry = tree.entry(page);
        return Pte.isLarge(entry) && (entry & bits) != 0;
    }

    /** Makes single mappings of the superpage around {@code page}. */
    void demote(long page) {
        superpages.demote(page);
    }

    /** Removes the managed mapping of {@code frame} at {@code page}, no superpage; {@link #settle} must follow. */
    long take(long page, int frame) {
        long entry = tree.entry(page);
        long pte = 0;
        if (entry != 0 && !Pte.isLarge(entry)) {
            int at = TableTree.offset(page, 0);
            do {
                pte = memory.loadVolatile(Pte.frame(entry), at);
            } while (pte != 0 && !memory.compareAndSet(Pte.frame(entry), at, pte, 0));
        }
        if (!Pte.has(pte, Pte.PRESENT | Pte.MANAGED) || Pte.frame(pte) != frame) {
            throw new KernelPanic(
                    "pmap: page %#x of space %d has entry %#x, not a mapping of frame %#x", page, asid, pte, frame);
        }
        taken.incrementAndGet();
        return pte;
    }

    /** Counts, under the space's lock alone, that {@link #take} removed {@code pte}, and shoots it down. */
    void settle(long page, long pte) {
        lock.lock();
        shootdown.weaken(page, pte);
        long entry = tree.entry(page);
        if (entry != 0) {
            int leaf = Pte.frame(entry);
            tables.dropEntry(leaf);
            resident--;
            wired -= count(pte, Pte.WIRED);
            unlinkEmpty(page, leaf);
        }
        taken.decrementAndGet();
        fire();
        lock.unlock();
    }

    /** Takes away the right to write, reporting the modified bit; whether either was there. */
    boolean writeProtect(long page) {
        long old = clearBits(page, Pte.WRITE | Pte.DIRTY);
        if ((old & Pte.DIRTY) != 0) {
            shared.reports().modified(Pte.frame(old));
        }
        return old != 0;
    }

    /** Clears the modified bit; whether it was set. */
    boolean clearModified(long page) {
        return clearBits(page, Pte.DIRTY) != 0;
    }

    /** Clears the accessed bit; whether it was set. */
    boolean clearAccessed(long page) {
        return clearBits(page, Pte.ACCESSED) != 0;
    }

    /** Clears bits and shoots down; returns the old entry, or 0 when none of them was set. A superpage must have none. */
    private long clearBits(long page, long bits) {
        long entry = tree.entry(page);
        long old = Pte.isLarge(entry) ? entry & bits : set(Pte.frame(entry), page, bits, 0);
        if ((old & bits) == 0) {
            return 0;
        }
        if (Pte.isLarge(entry)) {
            throw new KernelPanic("pmap: superpage %#x of space %d was not demoted", entry, asid);
        }
        if ((old & Pte.ACCESSED) != 0) {
            shared.machine().invalidatePage(asid, page);
        }
        return old;
    }

    /** Whether the mapping at {@code page} has {@code bit}. */
    boolean has(long page, long bit) {
        return (tree.leaf(page) & bit) != 0;
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
