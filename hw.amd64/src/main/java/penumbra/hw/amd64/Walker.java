// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;

/**
 * What the hardware does with the tables of one space: it walks them and sets accessed and modified bits, without a
 * lock.
 */
final class Walker {
    private final PhysicalMemory memory;
    private final TableTree tree;

    Walker(PhysicalMemory memory, TableTree tree) {
        this.memory = memory;
        this.tree = tree;
    }

    /** The translation of {@code address} that lets {@code access} through, or {@link TlbEntry#MISS}. */
    long walk(long address, int access) {
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
}
