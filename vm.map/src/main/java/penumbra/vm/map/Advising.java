// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.hw.PageSize;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.page.Advice;

/** Advice on a range ({@code vm_map_madvise}): some is kept in the entries, some goes to the pages. */
final class Advising {
    private final Space space;
    private final Entries entries;
    private final long start;
    private final long end;
    private final Advice advice;

    Advising(Space space, long start, long end, Advice advice) {
        this.space = space;
        this.entries = space.mapped();
        this.start = start;
        this.end = end;
        this.advice = advice;
    }

    KernReturn run() {
        switch (advice) {
            case WILLNEED, DONTNEED, FREE -> {
                space.lockShared();
                advisePages();
            }
            default -> {
                space.lock();
                adviseEntries();
            }
        }
        space.unlock();
        return KernReturn.SUCCESS;
    }

    private void adviseEntries() {
        Entry entry = entries.clippedFrom(start);
        while (entry != null && entry.start < end) {
            if (!entry.has(Entry.SUBMAP)) {
                entries.clipEnd(entry, end);
                entry.flags = advised(entry.flags);
                entries.simplify(entry);
            }
            entry = entry.next;
        }
    }

    private int advised(int flags) {
        return switch (advice) {
            case NORMAL -> flags & ~Entry.BEHAVIOR;
            case SEQUENTIAL -> (flags & ~Entry.BEHAVIOR) | Entry.SEQUENTIAL;
            case RANDOM -> (flags & ~Entry.BEHAVIOR) | Entry.RANDOM;
            case NOSYNC -> flags | Entry.NOSYNC;
            case AUTOSYNC -> flags & ~Entry.NOSYNC;
            case NOCORE -> flags | Entry.NOCOREDUMP;
            case CORE -> flags & ~Entry.NOCOREDUMP;
            default -> flags;
        };
    }

    private void advisePages() {
        for (Entry entry = space.tree().from(start); entry != null && entry.start < end; entry = entry.next) {
            long from = Math.max(start, entry.start);
            long to = Math.min(end, entry.end);
            if (!entry.has(Entry.SUBMAP) && from < to && !rewindsTime(entry)) {
                advisePages(entry, from, to);
            }
        }
    }

    /**
     * Freeing a page that hides an older one behind it would let the older contents come back once it is reclaimed: the
     * mended system does not.
     */
    private boolean rewindsTime(Entry entry) {
        VmObject object = entry.object;
        return advice == Advice.FREE && space.layers().corrected() && object != null && object.backing() != null;
    }

    private void advisePages(Entry entry, long from, long to) {
        // First the hardware's bits, then the pages': otherwise a reference of before could be taken for a new one.
        if (advice != Advice.WILLNEED) {
            // FREE spares files, shared, wired and held pages, which must not lose what only the modified bit tells of.
            boolean keepModified = advice == Advice.DONTNEED || space.layers().corrected();
            space.pmap().advise(from, to, keepModified);
        }
        VmObject object = entry.object;
        if (object == null) {
            return;
        }
        long pindex = entry.pindexOf(from);
        object.madvise(pindex, pindex + PageSize.index(to - from), advice);
        if (advice == Advice.WILLNEED && entry.wired == 0) {
            entries.mapResident(from, to, entry.mappable(), object, pindex, MapFlags.PREFAULT_MADVISE);
        }
    }
}
