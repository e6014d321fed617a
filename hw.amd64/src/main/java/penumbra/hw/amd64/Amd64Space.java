// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * One address space's mappings.
 *
 * <p>Two locks guard them. The space's own (rank {@code PMAP}) guards which tables there are, every count, who may put
 * an entry into an empty slot, and promotion. An entry of a managed mapping appears and disappears, and a superpage is
 * changed, only under the lock of the frame's list (rank {@code PV}) as well; so whoever holds that lock and finds a
 * mapping in the list can rely on its entry and on the tables above it, without the space's lock. Such a page operation
 * removes the entry and counts it later, in {@link #settle}; until then the count keeps the table alive.
 *
 * <p>The bits of an entry change by compare-and-set, since CPUs set accessed and modified bits at any time. A modified
 * bit is reported before it is cleared, or under the list's lock, so that nobody finds it neither here nor there.
 * Clearing it or the accessed bit, like taking away rights, is followed by a shootdown; an entry whose accessed bit is
 * clear is in no TLB and needs none. A table is freed after a shootdown, which no walk outlasts.
 *
 * <p>The right to write is what entry and directory both allow. A range of whole 2 MiB loses it in the directory alone;
 * the entries below keep theirs, and their modified bits, until one of them is to be written again.
 */
final class Amd64Space extends Apart implements MmuSpace {
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
    private final Leaves leaves;
    private final Walker walker;
    private final KernelLock lock = new KernelLock(LockRank.PMAP, "pmap");

    /**
     * Mappings that {@link #take} removed and {@link #settle} has not counted yet: gone, but still in the resident
     * count.
     */
    private final AtomicInteger taken = new AtomicInteger();

    private boolean released;

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
        this.leaves = new Leaves(asid, shared, shootdown);
        this.walker = new Walker(memory, tree);
    }

    int asid() {
        return asid;
    }

    @Override
    public long walk(long address, int access) {
        return walker.walk(address, access);
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
            leaves.replace(leaf, page, wanted);
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

    private void check(long page) {
        if (page < 0 || page >= TableTree.END || released) {
            throw new KernelPanic("enter: page %#x in space %d, released: %s", page, asid, released);
        }
    }

    private long make(long page) {
        check(page);
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
            leaves.limitAll(leaf, entry);
            tree.setEntry(page, Pte.table(leaf));
        }
        return leaf;
    }

    @Override
    public boolean enterQuick(long page, int frame, int prot, int attributes) {
        long wanted = Pte.of(frame, prot, attributes);
        lock.lock();
        long entry = make(page);
        boolean empty = isEmpty(page, entry);
        if (empty) {
            leaves.insert(leafFor(page, entry, wanted), page, wanted);
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
    public long prefaultable(long start, int count) {
        long empty = 0;
        lock.lock();
        for (int i = 0; i < count; i++) {
            empty |= isEmpty(start + i, tree.entry(start + i)) ? 1L << i : 0;
        }
        lock.unlock();
        return empty;
    }

    @Override
    public boolean changeWiring(long page, boolean wire) {
        lock.lock();
        long entry = tree.entry(page);
        boolean there = entry != 0 && leaves.wire(superpages.leaf(page, entry), page, wire);
        lock.unlock();
        return there;
    }

    @Override
    public long query(long page) {
        lock.lock();
        long pte = tree.leaf(page);
        lock.unlock();
        return pte == 0 ? MmuMapping.NONE : MmuMapping.of(Pte.frame(pte), Pte.prot(pte), Pte.attributes(pte));
    }

    @Override
    public boolean hold(long page, int prot, IntConsumer holder) {
        lock.lock();
        long seen = tree.leaf(page);
        @Nullable KernelLock list = (seen & Pte.MANAGED) != 0 ? pv.lockOf(Pte.frame(seen)) : null;
        if (list != null) {
            list.lock();
        }
        // A page operation may have come first.
        long pte = tree.leaf(page);
        boolean allowed = pte != 0 && (prot & ~Pte.prot(pte)) == 0;
        if (allowed) {
            holder.accept(Pte.frame(pte));
        }
        if (list != null) {
            list.unlock();
        }
        lock.unlock();
        return allowed;
    }

    @Override
    public int largeSize() {
        return shared.reports().optimised() ? REGION : 1;
    }

    @Override
    public boolean enterLarge(long page, int frame, int prot, int attributes) {
        long large = Pte.large(Pte.of(frame, prot, attributes));
        @Nullable KernelLock list = superpages.lockOf(large);
        lock.lock();
        check(page);
        boolean empty = tree.entry(page) == 0;
        if (list != null) {
            list.lock();
        }
        boolean entered = empty && superpages.insert(page, large);
        if (list != null) {
            list.unlock();
        }
        if (entered) {
            leaves.count(REGION, large);
        } else if (empty) {
            // Upper tables that were made in vain: a walk may be in them.
            shootdown.add(page, page + 1);
        }
        fire();
        lock.unlock();
        return entered;
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
            leaves.clear(leaf, page);
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
            leaves.count(-REGION, seen);
        }
        if (list != null) {
            list.unlock();
        }
        return removes;
    }

    /** Reports the bits of each page of a superpage that was removed. */
    private void report(long large) {
        boolean silent = (large & (Pte.ACCESSED | Pte.DIRTY)) == 0
                && pv.head(PvLists.superpage(Pte.largeFrame(large))) != PvLists.NONE;
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
                leaves.clear(leaf, page);
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
            leaves.weaken(leaf, page, lost, gained, true);
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
                leaves.weaken(leaf, page, Pte.ACCESSED | Pte.DIRTY, 0, keepModified);
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
            long large = from.tree.entry(first) & ~(Pte.WRITE | Pte.DIRTY | Pte.ACCESSED | Pte.WIRED);
            if (superpages.insert(first, large)) {
                leaves.count(REGION, 0);
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
        leaves.forgetAll();
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
            leaves.settle(leaf, pte);
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

    /**
     * Clears bits and shoots down; returns the old entry, or 0 when none of them was set. A superpage must have none.
     */
    private long clearBits(long page, long bits) {
        long entry = tree.entry(page);
        long old = Pte.isLarge(entry) ? entry & bits : leaves.set(Pte.frame(entry), page, bits, 0);
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
        long count = leaves.resident() - taken.get();
        lock.unlock();
        return count;
    }

    @Override
    public long wiredCount() {
        lock.lock();
        long count = leaves.wired();
        lock.unlock();
        return count;
    }
}
