// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;

/**
 * The format of amd64's page table entries (Intel SDM volume 3, 4.5; software bits as FreeBSD's {@code pmap.h} has
 * them).
 */
final class Pte {
    /** Present ({@code PG_V}). */
    static final long PRESENT = 1L;
    /** Writes are allowed ({@code PG_RW}). */
    static final long WRITE = 1L << 1;
    /** User mode is allowed ({@code PG_U}). */
    static final long USER = 1L << 2;
    /** With the next and {@link #PAT}, an index into the page attribute table ({@code PG_NC_PWT}). */
    static final long PWT = 1L << 3;
    /** See {@link #PWT} ({@code PG_NC_PCD}). */
    static final long PCD = 1L << 4;
    /** Set by hardware when it uses the entry ({@code PG_A}). */
    static final long ACCESSED = 1L << 5;
    /** Set by hardware when it writes through the entry ({@code PG_M}). */
    static final long DIRTY = 1L << 6;
    /** In a directory: maps a large page itself ({@code PG_PS}). */
    static final long LARGE = 1L << 7;
    /** At the lowest level, where nothing is larger: see {@link #PWT} ({@code PG_PTE_PAT}). */
    static final long PAT = 1L << 7;
    /** Available to software: the mapping is wired ({@code PG_W}). */
    static final long WIRED = 1L << 9;
    /** Available to software: the mapping is in its frame's list ({@code PG_MANAGED}). */
    static final long MANAGED = 1L << 10;
    /** In a directory, where an entry maps 2 MiB: see {@link #PWT} ({@code PG_PDE_PAT}). */
    static final long LARGE_PAT = 1L << 12;
    /** No instructions may be fetched ({@code PG_NX}). */
    static final long NO_EXECUTE = 1L << 63;

    /** What an entry that points to a table says: the leaf decides. */
    static final long TABLE = PRESENT | WRITE | USER | ACCESSED;

    /** Pages that a large entry maps: 2 MiB. */
    static final int LARGE_PAGES = 512;

    /** Which way caches treat a page. */
    static final long CACHING = PWT | PCD | PAT;

    /**
     * By {@link MemoryAttribute}, the entry of the page attribute table that says it, once a kernel has written the
     * table as FreeBSD does: write-back 0, write-through 1, uncacheable 3, write-combining 6.
     */
    private static final long[] CACHED_AS = {0, PWT | PCD, PCD | PAT, PWT};

    private static final int LARGE_PAT_SHIFT = 5;
    private static final long FRAME = 0x000F_FFFF_FFFF_F000L;

    private static final SortedMap<Long, String> TABLE_NAMES = names(Map.of());
    private static final SortedMap<Long, String> SMALL_NAMES = names(Map.of(PAT, "PAT"));
    private static final SortedMap<Long, String> LARGE_NAMES = names(Map.of(LARGE, "PS", LARGE_PAT, "PAT"));

    private Pte() {}

    private static SortedMap<Long, String> names(Map<Long, String> more) {
        SortedMap<Long, String> names = new TreeMap<>(more);
        names.put(PRESENT, "V");
        names.put(WRITE, "RW");
        names.put(USER, "U");
        names.put(PWT, "PWT");
        names.put(PCD, "PCD");
        names.put(ACCESSED, "A");
        names.put(DIRTY, "M");
        names.put(WIRED, "W");
        names.put(MANAGED, "MANAGED");
        names.put(NO_EXECUTE, "NX");
        return names;
    }

    /**
     * A leaf that maps {@code frame} as {@link Prot} and {@link MmuMapping} bits say; whatever can be used can be read.
     * Without any right it is the kernel's alone: a wired page of memory that the program may not touch.
     */
    static long of(int frame, int prot, int attributes) {
        long pte = PageSize.bytes(frame) | PRESENT;
        if (prot != Prot.NONE) {
            pte |= USER;
        }
        if ((prot & Prot.WRITE) != 0) {
            pte |= WRITE;
        }
        if ((prot & Prot.EXECUTE) == 0) {
            pte |= NO_EXECUTE;
        }
        if ((attributes & MmuMapping.WIRED) != 0) {
            pte |= WIRED;
        }
        if ((attributes & MmuMapping.MANAGED) != 0) {
            pte |= MANAGED;
        }
        if ((attributes & MmuMapping.ACCESSED) != 0) {
            pte |= ACCESSED;
        }
        if ((attributes & MmuMapping.MODIFIED) != 0) {
            pte |= DIRTY;
        }
        return pte | CACHED_AS[MmuMapping.memory(attributes)];
    }

    /** An entry of an upper table that points to the table in {@code frame}. */
    static long table(int frame) {
        return PageSize.bytes(frame) | TABLE;
    }

    /**
     * An entry of the lowest level as what it and the {@code directory}'s entry above it allow together: the less of
     * the two.
     */
    static long limited(long pte, long directory) {
        return pte & (directory | ~WRITE) | directory & NO_EXECUTE;
    }

    /** The entry of the lowest level for {@code page} that says what the {@code large} entry above it does. */
    static long small(long large, long page) {
        long first = large & ~(LARGE | LARGE_PAT) | (large & LARGE_PAT) >>> LARGE_PAT_SHIFT;
        return following(first, page);
    }

    /** The directory's entry that says what entry {@code first} of a table and those that follow it do. */
    static long large(long first) {
        return first & ~PAT | (first & PAT) << LARGE_PAT_SHIFT | LARGE;
    }

    /** What entry {@code first} of a table says, for the page in the place of {@code page} in that table. */
    static long following(long first, long page) {
        return first + PageSize.bytes(page & LARGE_PAGES - 1);
    }

    /** Whether {@code directory}'s entry maps 2 MiB itself. */
    static boolean isLarge(long directory) {
        return (directory & LARGE) != 0;
    }

    /** Whether {@code pte} has all of {@code bits}. */
    static boolean has(long pte, long bits) {
        return (pte & bits) == bits;
    }

    /** The first frame of the 2 MiB that a directory's entry {@code large} maps. */
    static int largeFrame(long large) {
        return frame(large & ~LARGE_PAT);
    }

    /** The frame that {@code pte} maps or points to. */
    static int frame(long pte) {
        return (int) ((pte & FRAME) >>> PageSize.SHIFT);
    }

    /** The {@link Prot} bits of {@code pte}. */
    static int prot(long pte) {
        if ((pte & USER) == 0) {
            return Prot.NONE;
        }
        return Prot.READ | ((pte & WRITE) != 0 ? Prot.WRITE : 0) | ((pte & NO_EXECUTE) == 0 ? Prot.EXECUTE : 0);
    }

    /** An entry that points to a table, for people: the word, where it leads and its bits. */
    static String describeTable(long entry) {
        return describe(entry, "table in frame", frame(entry), TABLE_NAMES);
    }

    /** An entry of the lowest level for people. */
    static String describeSmall(long entry) {
        return describe(entry, "frame", frame(entry), SMALL_NAMES);
    }

    /** A directory's entry that maps 2 MiB, for people. */
    static String describeLarge(long entry) {
        return describe(entry, "2 MiB at frame", largeFrame(entry), LARGE_NAMES);
    }

    private static String describe(long entry, String what, int frame, SortedMap<Long, String> names) {
        if (entry == 0) {
            return "0, nothing";
        }
        StringJoiner bits = new StringJoiner(" ");
        names.forEach((bit, name) -> {
            if ((entry & bit) != 0) {
                bits.add(name);
            }
        });
        return String.format(Locale.ROOT, "0x%016x, %s 0x%x, %s", entry, what, frame, bits);
    }

    /** The {@link MmuMapping} bits of {@code pte}. */
    static int attributes(long pte) {
        return ((pte & WIRED) != 0 ? MmuMapping.WIRED : 0)
                | ((pte & MANAGED) != 0 ? MmuMapping.MANAGED : 0)
                | ((pte & ACCESSED) != 0 ? MmuMapping.ACCESSED : 0)
                | ((pte & DIRTY) != 0 ? MmuMapping.MODIFIED : 0)
                | MmuMapping.ofMemory(memory(pte));
    }

    private static int memory(long pte) {
        int attribute = 0;
        while (CACHED_AS[attribute] != (pte & CACHING)) {
            attribute++;
        }
        return attribute;
    }
}
