// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;

/** The format of amd64's page table entries (Intel SDM volume 3, 4.5; software bits as FreeBSD's {@code pmap.h} has them). */
final class Pte {
    /** Present ({@code PG_V}). */
    static final long PRESENT = 1L;
    /** Writes are allowed ({@code PG_RW}). */
    static final long WRITE = 1L << 1;
    /** User mode is allowed ({@code PG_U}). */
    static final long USER = 1L << 2;
    /** Set by hardware when it uses the entry ({@code PG_A}). */
    static final long ACCESSED = 1L << 5;
    /** Set by hardware when it writes through the entry ({@code PG_M}). */
    static final long DIRTY = 1L << 6;
    /** In a directory: maps a large page itself ({@code PG_PS}). */
    static final long LARGE = 1L << 7;
    /** Available to software: the mapping is wired ({@code PG_W}). */
    static final long WIRED = 1L << 9;
    /** Available to software: the mapping is in its frame's list ({@code PG_MANAGED}). */
    static final long MANAGED = 1L << 10;
    /** No instructions may be fetched ({@code PG_NX}). */
    static final long NO_EXECUTE = 1L << 63;

    /** What an entry that points to a table says: the leaf decides. */
    static final long TABLE = PRESENT | WRITE | USER | ACCESSED;

    /** Pages that a large entry maps: 2 MiB. */
    static final int LARGE_PAGES = 512;

    private static final long FRAME = 0x000F_FFFF_FFFF_F000L;

    private static final SortedMap<Long, String> NAMES = new TreeMap<>(Map.of(
            PRESENT,
            "V",
            WRITE,
            "RW",
            USER,
            "U",
            ACCESSED,
            "A",
            DIRTY,
            "M",
            LARGE,
            "PS",
            WIRED,
            "W",
            MANAGED,
            "MANAGED",
            NO_EXECUTE,
            "NX"));

    private Pte() {}

    /**
     * A leaf that maps {@code frame} as {@link Prot} and {@link MmuMapping} bits say; whatever can be used can be read. Without
     * any right it is the kernel's alone: a wired page of memory that the program may not touch.
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
        return pte;
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
        return (large & ~LARGE) + PageSize.bytes(page & LARGE_PAGES - 1);
    }

    /** Whether {@code directory}'s entry maps 2 MiB itself. */
    static boolean isLarge(long directory) {
        return (directory & LARGE) != 0;
    }

    /** Whether {@code pte} has all of {@code bits}. */
    static boolean has(long pte, long bits) {
        return (pte & bits) == bits;
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

    /** An entry for people: the word, where it leads and its bits; {@code maps} says whether it maps, or points to a table. */
    static String describe(long entry, boolean maps) {
        if (entry == 0) {
            return "0, nothing";
        }
        StringJoiner bits = new StringJoiner(" ");
        NAMES.forEach((bit, name) -> {
            if ((entry & bit) != 0) {
                bits.add(name);
            }
        });
        String what = isLarge(entry) ? "2 MiB at frame" : maps ? "frame" : "table in frame";
        return String.format(Locale.ROOT, "0x%016x, %s 0x%x, %s", entry, what, frame(entry), bits);
    }

    /** The {@link MmuMapping} bits of {@code pte}. */
    static int attributes(long pte) {
        return ((pte & WIRED) != 0 ? MmuMapping.WIRED : 0)
                | ((pte & MANAGED) != 0 ? MmuMapping.MANAGED : 0)
                | ((pte & ACCESSED) != 0 ? MmuMapping.ACCESSED : 0)
                | ((pte & DIRTY) != 0 ? MmuMapping.MODIFIED : 0);
    }
}
