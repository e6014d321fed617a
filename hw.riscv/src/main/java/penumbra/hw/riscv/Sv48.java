// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import penumbra.hw.MemoryAttribute;
import penumbra.hw.MmuMapping;
import penumbra.hw.Prot;

/**
 * The formats of Sv48: the register that points to the tables, and their entries (RISC-V Privileged Architecture
 * 20211203, 4.1.11 and 4.5; the bits of memory types are those of the extension Svpbmt).
 *
 * <p>An entry that is not valid is the software's own but for that bit. So an entry that is not zero is a mapping,
 * valid or not: one that lets no access through never is, and one that is being changed is not for that time.
 */
final class Sv48 {
    /** Levels of tables; level 0 maps pages. */
    static final int LEVELS = 4;
    /** Bits of a page's number that choose an entry of one table. */
    static final int INDEX_BITS = 9;
    /** Entries of a table. */
    static final int ENTRIES = 1 << INDEX_BITS;
    /** Behind the last page of 48-bit addresses. */
    static final long END = 1L << LEVELS * INDEX_BITS;

    static final long VALID = 1;
    static final long READ = 1 << 1;
    static final long WRITE = 1 << 2;
    static final long EXECUTE = 1 << 3;
    /** User mode may use the mapping. Every mapping here has it, which keeps one without rights from being zero. */
    static final long USER = 1 << 4;

    static final long ACCESSED = 1 << 6;
    static final long DIRTY = 1 << 7;
    /** The two bits that are left to software. */
    static final long WIRED = 1 << 8;

    static final long MANAGED = 1 << 9;

    /** Not cached, and stores may be gathered ({@code NC}). */
    static final long NON_CACHEABLE = 1L << 61;
    /** Not cached, and every access in order ({@code IO}). */
    static final long IO = 2L << 61;

    /** Which of these a page is of; neither, what memory is by itself. */
    static final long MEMORY_TYPE = 3L << 61;

    /** By {@link MemoryAttribute}, the memory type; what loads may cache and stores not is not cached at all. */
    private static final long[] TYPE_OF = {0, IO, NON_CACHEABLE, IO};

    private static final int FRAME_SHIFT = 10;
    private static final long FRAME = (1L << 44) - 1 << FRAME_SHIFT;

    private static final long MODE = 9L << 60;
    private static final int ASID_SHIFT = 44;
    private static final long ROOT = (1L << ASID_SHIFT) - 1;
    /** The register's value while there is no table: translation is off. */
    static final long BARE = 0;

    private Sv48() {}

    /** The value of {@code satp} for the tables of space {@code asid} under the one in {@code frame}. */
    static long satp(int asid, int frame) {
        return MODE | (long) asid << ASID_SHIFT | frame;
    }

    /** The frame of the uppermost table that {@code satp} points to. */
    static int root(long satp) {
        return (int) (satp & ROOT);
    }

    /** Where the entry for {@code page} lies in its table of {@code level}, in bytes. */
    static int offset(long page, int level) {
        return (int) (page >>> level * INDEX_BITS & ENTRIES - 1) * Long.BYTES;
    }

    /** An entry that points to the table in {@code frame}. */
    static long table(int frame) {
        return (long) frame << FRAME_SHIFT | VALID;
    }

    /**
     * An entry that maps {@code frame} with {@link Prot} and {@link MmuMapping} bits; any right includes that to read.
     */
    static long mapping(int frame, int prot, int attributes) {
        long entry = (long) frame << FRAME_SHIFT | USER;
        if (prot != Prot.NONE) {
            entry |= VALID | READ;
        }
        entry |= (prot & Prot.WRITE) != 0 ? WRITE : 0;
        entry |= (prot & Prot.EXECUTE) != 0 ? EXECUTE : 0;
        entry |= (attributes & MmuMapping.WIRED) != 0 ? WIRED : 0;
        entry |= (attributes & MmuMapping.MANAGED) != 0 ? MANAGED : 0;
        entry |= (attributes & MmuMapping.ACCESSED) != 0 ? ACCESSED : 0;
        entry |= (attributes & MmuMapping.MODIFIED) != 0 ? DIRTY : 0;
        return entry | TYPE_OF[MmuMapping.memory(attributes)];
    }

    /** The frame that {@code entry} maps or points to. */
    static int frame(long entry) {
        return (int) ((entry & FRAME) >>> FRAME_SHIFT);
    }

    /** Whether {@code entry} has all of {@code bits}. */
    static boolean has(long entry, long bits) {
        return (entry & bits) == bits;
    }

    /** {@code entry}, valid if it gives any right. */
    static long validated(long entry) {
        return (entry & READ) != 0 ? entry | VALID : entry;
    }

    /** The {@link Prot} bits of a mapping. */
    static int prot(long entry) {
        return ((entry & READ) != 0 ? Prot.READ : 0)
                | ((entry & WRITE) != 0 ? Prot.WRITE : 0)
                | ((entry & EXECUTE) != 0 ? Prot.EXECUTE : 0);
    }

    /** The {@link MmuMapping} bits of a mapping. */
    static int attributes(long entry) {
        return ((entry & WIRED) != 0 ? MmuMapping.WIRED : 0)
                | ((entry & MANAGED) != 0 ? MmuMapping.MANAGED : 0)
                | ((entry & ACCESSED) != 0 ? MmuMapping.ACCESSED : 0)
                | ((entry & DIRTY) != 0 ? MmuMapping.MODIFIED : 0)
                | MmuMapping.ofMemory(memory(entry));
    }

    private static int memory(long entry) {
        long type = entry & MEMORY_TYPE;
        return type == NON_CACHEABLE
                ? MemoryAttribute.WRITE_COMBINING
                : type == IO ? MemoryAttribute.UNCACHEABLE : MemoryAttribute.WRITE_BACK;
    }
}
