// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.ArrayList;
import java.util.List;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Apart;

/**
 * The tables of one space: a root, two levels of upper tables below it, the last of which are the directories, and
 * tables of the lowest level for 2 MiB each.
 *
 * <p>{@link #directory}, {@link #entry} and {@link #leaf} need no lock; the others need the space's.
 */
final class TableTree extends Apart {
    static final int NONE = TableFrames.NONE;
    private static final int LEVELS = 4;
    private static final int TOP = LEVELS - 1;
    private static final int DIRECTORY = 1;
    /** What the manual calls the tables, by level. */
    private static final String[] NAMES = {"PT", "PD", "PDPT", "PML4"};

    private static final int INDEX_BITS = 9;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
    /** Behind the last page that four levels can map. */
    static final long END = 1L << LEVELS * INDEX_BITS;

    private final PhysicalMemory memory;
    private final TableFrames frames;
    private final DirectoryCache cache = new DirectoryCache();
    /** The table of the top level; {@link #NONE} before the first mapping is made and once the space is released. */
    private volatile int root = NONE;

    /** The tables on the way to the page last looked for, by level. */
    private final int[] path = new int[LEVELS];
    /** Tables that were unlinked, to be freed after a shootdown. */
    private int dead = NONE;

    /** No tables. */
    TableTree(PhysicalMemory memory, TableFrames frames) {
        this.memory = memory;
        this.frames = frames;
    }

    /** Where in a table of {@code level} the entry for {@code page} is, in bytes. */
    static int offset(long page, int level) {
        return index(page, level) * Long.BYTES;
    }

    private static int index(long page, int level) {
        return (int) (page >>> level * INDEX_BITS) & INDEX_MASK;
    }

    /** Which entry of its directory {@code page} belongs to. */
    static int index(long page) {
        return index(page, DIRECTORY);
    }

    /** The directory for {@code page}, or {@link #NONE}. */
    int directory(long page) {
        int known = cache.find(page);
        if (known != NONE) {
            return known;
        }
        int table = root;
        for (int level = TOP; level > DIRECTORY && table != NONE; level--) {
            long entry = memory.loadVolatile(table, offset(page, level));
            table = (entry & Pte.PRESENT) == 0 ? NONE : Pte.frame(entry);
        }
        return table;
    }

    /** The directory's entry for {@code page}, or 0. */
    long entry(long page) {
        int directory = directory(page);
        return directory == NONE ? 0 : memory.loadVolatile(directory, offset(page, DIRECTORY));
    }

    /** Changes the directory's entry for {@code page}, which must be no superpage's: walks change those. */
    void setEntry(long page, long entry) {
        memory.storeVolatile(directory(page), offset(page, DIRECTORY), entry);
    }

    /** Replaces the directory's entry for {@code page} if it is {@code old}. */
    boolean exchangeEntry(long page, long old, long entry) {
        return memory.compareAndSet(directory(page), offset(page, DIRECTORY), old, entry);
    }

    /**
     * The entry of the lowest level for {@code page} as the directory limits it, or as its superpage says; 0 when there
     * is none.
     */
    long leaf(long page) {
        long entry = entry(page);
        if (entry == 0 || Pte.isLarge(entry)) {
            return entry == 0 ? 0 : Pte.small(entry, page);
        }
        long pte = memory.loadVolatile(Pte.frame(entry), offset(page, 0));
        return pte == 0 ? 0 : Pte.limited(pte, entry);
    }

    /** The entries on the way to {@code page}, one line each. */
    List<String> path(long page) {
        List<String> lines = new ArrayList<>();
        int table = root;
        for (int level = TOP; level >= 0 && table != NONE; level--) {
            long entry = memory.loadVolatile(table, offset(page, level));
            boolean large = level == DIRECTORY && Pte.isLarge(entry);
            String says =
                    level == 0 ? Pte.describeSmall(entry) : large ? Pte.describeLarge(entry) : Pte.describeTable(entry);
            lines.add(NAMES[level] + "[" + index(page, level) + "] of frame 0x" + Integer.toHexString(table) + ": "
                    + says);
            table = large || entry == 0 ? NONE : Pte.frame(entry);
        }
        return lines;
    }

    /** Part {@code [from, to)} of the pages for which a directory has one entry. */
    @FunctionalInterface
    interface Visitor {
        /** Sees what lies below one entry that is present. */
        void part(long from, long to);
    }

    /** Shows what lies in {@code [start, end)}, in ascending order. */
    void forEach(long start, long end, Visitor visitor) {
        long page = start;
        while (page < end && root != NONE) {
            int level = descend(page);
            int covered = level * INDEX_BITS;
            long next = Math.min(end, (page >>> covered) + 1 << covered);
            if (level == DIRECTORY && memory.loadVolatile(path[DIRECTORY], offset(page, DIRECTORY)) != 0) {
                visitor.part(page, next);
            }
            page = next;
        }
    }

    /**
     * Follows the tables towards {@code page} and keeps them in {@link #path}; returns the level of the last one, at
     * least 1.
     */
    private int descend(long page) {
        path[TOP] = root;
        for (int level = TOP; level > DIRECTORY; level--) {
            long entry = memory.loadVolatile(path[level], offset(page, level));
            if ((entry & Pte.PRESENT) == 0) {
                return level;
            }
            path[level - 1] = Pte.frame(entry);
        }
        return DIRECTORY;
    }

    /** The directory's entry for {@code page}, with an empty table made if need be; 0 when no frame is left. */
    long make(long page) {
        long entry = entry(page);
        if (entry != 0) {
            return entry;
        }
        int leaf = frames.takeEmpty();
        if (leaf == NONE) {
            return 0;
        }
        if (!link(page, Pte.table(leaf))) {
            frames.give(frames.chain(leaf, NONE));
            return 0;
        }
        return Pte.table(leaf);
    }

    /**
     * Makes {@code entry} the directory's for {@code page}, which has none; false when no frame is left for a
     * directory.
     */
    boolean link(long page, long entry) {
        if (root == NONE) {
            root = frames.takeEmpty();
        }
        if (root == NONE) {
            return false;
        }
        int level = descend(page);
        while (level > DIRECTORY) {
            int table = frames.takeEmpty();
            if (table == NONE) {
                unlinkEmpty(page, level);
                return false;
            }
            memory.storeVolatile(path[level], offset(page, level), Pte.table(table));
            frames.addEntry(path[level]);
            level--;
            path[level] = table;
        }
        cache.remember(page, path[DIRECTORY]);
        memory.storeVolatile(path[DIRECTORY], offset(page, DIRECTORY), entry);
        frames.addEntry(path[DIRECTORY]);
        return true;
    }

    /**
     * Takes away the directory's entry for {@code page}, and {@code leaf}, the table that it pointed to or that was
     * kept for it.
     */
    void unlink(long page, int leaf) {
        descend(page);
        memory.storeVolatile(path[DIRECTORY], offset(page, DIRECTORY), 0);
        frames.dropEntry(path[DIRECTORY]);
        dead = frames.chain(leaf, dead);
        unlinkEmpty(page, DIRECTORY);
    }

    /** Takes the tables that are empty out of the {@link #path} to {@code page}, from {@code level} upwards. */
    private void unlinkEmpty(long page, int level) {
        for (int i = level; i < TOP && frames.isEmpty(path[i]); i++) {
            memory.storeVolatile(path[i + 1], offset(page, i + 1), 0);
            frames.dropEntry(path[i + 1]);
            cache.forget(page);
            dead = frames.chain(path[i], dead);
        }
    }

    /** Frees the tables that were unlinked; a shootdown has come between. */
    void free() {
        frames.give(dead);
        dead = NONE;
    }

    /** Unlinks every table, also those whose mappings are gone and still count; there is no superpage. */
    void unlinkAll() {
        int top = root;
        root = NONE;
        cache.forgetAll();
        if (top != NONE) {
            chainAll(top, TOP);
        }
    }

    private void chainAll(int table, int level) {
        for (int at = 0; level > 0 && at < PageSize.BYTES; at += Long.BYTES) {
            long entry = memory.loadVolatile(table, at);
            if ((entry & Pte.PRESENT) != 0) {
                chainAll(Pte.frame(entry), level - 1);
            }
        }
        dead = frames.chain(table, dead);
    }
}
