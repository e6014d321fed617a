// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelLock;

/**
 * The 2 MiB mappings of one space.
 *
 * <p>A superpage is an entry of a directory that says what the 512 entries of the table below would say; that table is
 * kept aside. If it can be written its modified bit is set, so that a walk can only set the accessed bit. Promotion
 * needs the space's lock and that of the frames' list; demotion only the latter, when the frames are managed, and else
 * the space's. Neither is seen by a TLB, whose translations are of pages and stay true, nor do any counts change.
 */
final class Superpages {
    private static final int PAGES = Pte.LARGE_PAGES;
    private static final int MASK = PAGES - 1;

    private final int asid;
    private final PhysicalMemory memory;
    private final TableFrames tables;
    private final PvLists pv;
    private final TableTree tree;

    Superpages(int asid, Shared shared, TableTree tree) {
        this.asid = asid;
        this.memory = shared.memory();
        this.tables = shared.tables();
        this.pv = shared.pv();
        this.tree = tree;
    }

    private static long first(long page) {
        return page & ~(long) MASK;
    }

    /** The lock of the list that {@code entry} is in; null when it is in none. */
    @Nullable
    KernelLock lockOf(long entry) {
        return (entry & Pte.MANAGED) != 0 ? pv.lockOf(Pte.largeFrame(entry)) : null;
    }

    /**
     * Makes one mapping of the 512 around {@code page} if {@code leaf}, their table, is full of equal mappings of
     * consecutive frames that all were used, and written if they may be ({@code pmap_promote_pde}). Needs the space's
     * lock.
     */
    void promote(long page, int leaf) {
        long first = memory.loadVolatile(leaf, 0);
        // Before the lock and the whole table: the neighbours, which differ if it is being filled in any plain order.
        boolean hopeful = Pte.has(first, Pte.PRESENT | Pte.ACCESSED)
                && (Pte.frame(first) & MASK) == 0
                && ((first & Pte.WRITE) == 0 || (first & Pte.DIRTY) != 0)
                && tree.entry(page) == Pte.table(leaf)
                && continues(first, leaf, page + 1)
                && continues(first, leaf, page - 1);
        if (!hopeful) {
            return;
        }
        KernelLock list = (first & Pte.MANAGED) != 0 ? pv.lockOf(Pte.frame(first)) : null;
        if (list != null) {
            list.lock();
        }
        if (allContinue(first, leaf)) {
            combine(first, leaf, first(page));
        }
        if (list != null) {
            list.unlock();
        }
    }

    private boolean continues(long first, int leaf, long page) {
        return memory.loadVolatile(leaf, TableTree.offset(page, 0)) == Pte.following(first, page);
    }

    private boolean allContinue(long first, int leaf) {
        for (int i = 0; i < PAGES; i++) {
            if (!continues(first, leaf, i)) {
                return false;
            }
        }
        return true;
    }

    private void combine(long pte, int leaf, long first) {
        if ((pte & Pte.MANAGED) != 0) {
            int frame = Pte.frame(pte);
            for (int i = 0; i < PAGES; i++) {
                pv.remove(frame + i, PvLists.key(asid, first + i));
            }
            pv.add(PvLists.superpage(frame), PvLists.key(asid, first));
        }
        tables.keep(tree.directory(first), TableTree.index(first), leaf);
        tree.setEntry(first, Pte.large(pte));
    }

    /**
     * Makes 512 mappings of the superpage around {@code page} again ({@code pmap_demote_pde}); the tables lose no bit
     * of it. Needs the lock of the list that it is in, else the space's.
     */
    void demote(long page) {
        long first = first(page);
        int leaf = kept(first);
        long large;
        do {
            large = tree.entry(first);
            for (int i = 0; i < PAGES; i++) {
                memory.storeVolatile(leaf, i * Long.BYTES, Pte.small(large, i));
            }
        } while (!tree.exchangeEntry(first, large, Pte.table(leaf)));
        if ((large & Pte.MANAGED) != 0) {
            int frame = Pte.largeFrame(large);
            pv.remove(PvLists.superpage(frame), PvLists.key(asid, first));
            for (int i = 0; i < PAGES; i++) {
                pv.add(frame + i, PvLists.key(asid, first + i));
            }
        }
    }

    /**
     * The table of the lowest level for {@code page}, whose directory has {@code entry}; demotes. Needs the space's
     * lock.
     */
    int leaf(long page, long entry) {
        if (!Pte.isLarge(entry)) {
            return Pte.frame(entry);
        }
        KernelLock list = lockOf(entry);
        if (list != null) {
            list.lock();
        }
        // A page operation may have come first.
        if (Pte.isLarge(tree.entry(page))) {
            demote(page);
        }
        if (list != null) {
            list.unlock();
        }
        return Pte.frame(tree.entry(page));
    }

    /**
     * Takes the superpage away that begins at {@code first}; its table stays with the caller. Needs the locks that
     * promotion needs.
     *
     * @return what the entry was
     */
    long remove(long first) {
        long large;
        do {
            large = tree.entry(first);
        } while (!tree.exchangeEntry(first, large, 0));
        if ((large & Pte.MANAGED) != 0) {
            pv.remove(PvLists.superpage(Pte.largeFrame(large)), PvLists.key(asid, first));
        }
        return large;
    }

    /**
     * Takes bits from the superpage or table at {@code page} and gives it others. Needs the locks that promotion needs.
     */
    void limit(long page, long lost, long gained) {
        long old;
        do {
            old = tree.entry(page);
        } while (!tree.exchangeEntry(page, old, old & ~lost | gained));
    }

    /** The table that is kept for the superpage around {@code page}; needs a lock that keeps it from vanishing. */
    int kept(long page) {
        return tables.kept(tree.directory(page), TableTree.index(page));
    }

    /**
     * Maps 2 MiB at once from {@code first} on, where nothing is mapped, as {@code large} says. Needs the locks that
     * promotion needs.
     *
     * @return false when no frame is left for tables
     */
    boolean insert(long first, long large) {
        int leaf = tables.take();
        if (leaf == TableTree.NONE) {
            return false;
        }
        if (!tree.link(first, large)) {
            tables.give(tables.chain(leaf, TableTree.NONE));
            return false;
        }
        tables.setAllUsed(leaf, true);
        tables.keep(tree.directory(first), TableTree.index(first), leaf);
        if ((large & Pte.MANAGED) != 0) {
            pv.add(PvLists.superpage(Pte.largeFrame(large)), PvLists.key(asid, first));
        }
        return true;
    }
}
