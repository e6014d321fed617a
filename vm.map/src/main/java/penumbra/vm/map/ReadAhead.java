// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.kern.Apart;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.ResidentPages;
import penumbra.pager.PageRun;

/**
 * What a fault reads besides the page it needs: a window around it that grows while faults follow one another, and
 * shrinks when they do not; and what it lets go of behind a long sequential read.
 */
final class ReadAhead extends Apart {
    /** Pages in the largest read: {@code MAXPHYS}, 128 KiB ({@code VM_FAULT_READ_MAX}). */
    private static final int READ_MAX = 32;

    private static final int AHEAD_MAX = READ_MAX - 1;
    /** The window ahead of a fault that follows none ({@code VM_FAULT_READ_AHEAD_MIN}). */
    private static final int AHEAD_MIN = 7;
    /** {@code VM_FAULT_READ_BEHIND}. */
    private static final int BEHIND_MAX = 8;
    /**
     * How far behind a sequential read pages are dropped: ten times the window behind ({@code VM_FAULT_CACHE_BEHIND}).
     */
    private static final int DROP_BEHIND = 10 * BEHIND_MAX;

    private final Layers layers;
    private final Page[] run;

    private int behind;
    private int ahead;
    private int count;
    private int requested;

    ReadAhead(Layers layers) {
        this.layers = layers;
        this.run = new Page[READ_MAX + BEHIND_MAX];
    }

    /** Forgets the last read. */
    void reset() {
        count = 0;
        requested = 0;
    }

    /** Says that the fault concerned one page alone. */
    void single() {
        count = 1;
        requested = 0;
    }

    /** The pages to read, in order. */
    Page[] run() {
        return run;
    }

    /** How many pages were read; 0 when none were. */
    int count() {
        return count;
    }

    /** Which of them the fault needs. */
    int requested() {
        return requested;
    }

    /** The pindex behind a run whose requested page is at {@code pindex}. */
    long behindRun(long pindex) {
        return pindex + count - requested;
    }

    /**
     * Chooses how many pages around {@code pindex} to read, and remembers the window in the entry.
     *
     * @param cacheBehind told how many pages behind the fault may be dropped, when the read is sequential
     */
    void chooseWindow(Entry entry, long address, long pindex, IntConsumer cacheBehind) {
        long rest = Math.max(0, PageSize.index(entry.end - address) - 1);
        boolean sequential = pindex == entry.nextRead;
        if (entry.has(Entry.RANDOM)) {
            behind = 0;
            ahead = 0;
        } else if (entry.has(Entry.SEQUENTIAL)) {
            behind = 0;
            ahead = (int) Math.min(rest, AHEAD_MAX);
            if (sequential) {
                cacheBehind.accept(READ_MAX);
            }
        } else {
            int before = entry.readAhead;
            behind = (int) Math.min(Math.max(0, PageSize.index(address - entry.start)), BEHIND_MAX);
            if (sequential) {
                ahead = (int) Math.min(rest, Math.min(before + behind, AHEAD_MAX));
                behind = 0;
                if (before == AHEAD_MAX) {
                    cacheBehind.accept(DROP_BEHIND);
                }
            } else {
                ahead = (int) Math.min(rest, AHEAD_MIN);
            }
            entry.readAhead = ahead;
        }
    }

    /**
     * Collects the page and as many others of the window as the pager has and are not resident, all busy
     * ({@code vm_fault_additional_pages}). Object locked; what the pager has may be asked with the lock dropped, but
     * for anonymous objects it is not, so that none of their pages appears where a fork has looked already.
     *
     * @return whether the pager has the page
     */
    boolean gather(VmObject object, Page page) {
        count = 0;
        requested = 0;
        long pindex = page.pindex();
        long has = layers.pagers().hasPage(object, pindex);
        if (!PageRun.present(has)) {
            return false;
        }
        int back = gatherBehind(object, page, Math.min(behind, PageRun.before(has)));
        run[back] = page;
        requested = back;
        count = back + 1 + gatherAhead(object, page, Math.min(ahead, PageRun.after(has)), back + 1);
        return true;
    }

    /** Allocates pages down from the one before {@code page}; they end up at the start of the run, in order. */
    private int gatherBehind(VmObject object, Page page, int limit) {
        long pindex = page.pindex();
        ResidentPages resident = object.pages();
        Page neighbour = resident.before(page);
        long lowest = Math.max(pindex - limit, neighbour == null ? 0 : neighbour.pindex() + 1);
        int taken = 0;
        for (long i = pindex - 1; i >= lowest; i--) {
            Page extra = allocate(object, i);
            if (extra == null) {
                break;
            }
            run[taken++] = extra;
        }
        for (int low = 0, high = taken - 1; low < high; low++, high--) {
            Page swapped = run[low];
            run[low] = run[high];
            run[high] = swapped;
        }
        return taken;
    }

    private int gatherAhead(VmObject object, Page page, int limit, int place) {
        long first = page.pindex() + 1;
        Page neighbour = object.pages().after(page);
        long end = Math.min(first + limit, object.size());
        if (neighbour != null) {
            end = Math.min(end, neighbour.pindex());
        }
        int taken = 0;
        while (first + taken < end) {
            Page extra = allocate(object, first + taken);
            if (extra == null) {
                break;
            }
            run[place + taken++] = extra;
        }
        return taken;
    }

    private @Nullable Page allocate(VmObject object, long pindex) {
        return layers.pages().alloc(object, pindex, Alloc.NORMAL | Alloc.IFNOTCACHED);
    }

    /**
     * Takes the pages before {@code placeholder} out of use that a sequential reader has left behind
     * ({@code vm_fault_cache_behind}). First object locked.
     *
     * @param distance how many pages at most
     */
    void cacheBehind(VmObject first, Page placeholder, Entry entry, long pindex, int distance) {
        if (first.has(ObjectFlags.FICTITIOUS | ObjectFlags.UNMANAGED)) {
            return;
        }
        long lowest = Math.max(entry.offset, pindex - distance);
        ResidentPages resident = first.pages();
        Page page = resident.previous(placeholder);
        while (page != null && page.pindex() >= lowest && page.valid() == Page.ALL) {
            Page before = resident.previous(page);
            if (!page.busied() && page.holdCount() == 0 && page.wireCount() == 0) {
                layers.pmaps().removeAll(page);
                page.clearAflags(PageFlags.A_REFERENCED);
                if (page.dirty() != 0) {
                    page.deactivate();
                } else {
                    layers.pages().cache(page);
                }
            }
            page = before;
        }
    }
}
