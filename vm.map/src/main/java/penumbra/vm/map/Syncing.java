// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;

/** Writing back, or forgetting, what a range maps ({@code vm_map_sync}); no lock is held while that happens. */
final class Syncing {
    private final Space space;
    private final boolean syncIo;
    private final boolean invalidate;

    // What is synced next, found under the lock.
    private @Nullable VmObject object;
    private long pindex;
    private long bytes;

    Syncing(Space space, boolean syncIo, boolean invalidate) {
        this.space = space;
        this.syncIo = syncIo;
        this.invalidate = invalidate;
    }

    /** Syncs {@code [start, end)}; an empty range stands for the mapping that contains it. */
    KernReturn run(long start, long end) {
        space.lockShared();
        Entry first = space.tree().at(start);
        if (first == null) {
            space.unlock();
            return KernReturn.INVALID_ADDRESS;
        }
        long from = start == end ? first.start : start;
        long to = start == end ? first.end : end;
        KernReturn result = check(first, to);
        if (result.ok() && invalidate) {
            space.pmap().remove(from, to);
        }
        Entry entry = result.ok() ? first : null;
        boolean failed = false;
        while (entry != null && from < to) {
            choose(entry, from, to);
            failed |= !syncChosen();
            from += bytes;
            space.lockShared();
            entry = space.tree().from(from);
        }
        space.unlock();
        return result.ok() && failed ? KernReturn.FAILURE : result;
    }

    /** Looks for gaps, and for memory that the user wired and that must therefore stay. */
    private KernReturn check(Entry first, long end) {
        for (Entry entry = first; entry != null && entry.start < end; entry = entry.next) {
            if (invalidate && entry.has(Entry.USER_WIRED)) {
                return KernReturn.INVALID_ARGUMENT;
            }
            if (end > entry.end && (entry.next == null || entry.next.start != entry.end)) {
                return KernReturn.INVALID_ADDRESS;
            }
        }
        return KernReturn.SUCCESS;
    }

    /** Finds the object behind {@code from} and keeps it alive; releases the lock. */
    private void choose(Entry entry, long from, long end) {
        long to = Math.min(end, entry.end);
        Space below = entry.submap;
        if (below == null) {
            take(entry, from, to);
            space.unlock();
            return;
        }
        space.unlock();
        below.lockShared();
        Entry inside = below.tree().from(from);
        if (inside != null && inside.start <= from) {
            take(inside, from, Math.min(to, inside.end));
        } else {
            object = null;
            bytes = (inside == null ? to : Math.min(to, inside.start)) - from;
        }
        below.unlock();
    }

    private void take(Entry entry, long from, long to) {
        object = entry.object;
        pindex = entry.pindexOf(from);
        bytes = to - from;
        if (object != null) {
            object.reference();
        }
    }

    private boolean syncChosen() {
        if (object == null) {
            return true;
        }
        boolean done = object.sync(pindex, PageSize.index(bytes), syncIo, invalidate);
        object.deallocate();
        return done;
    }
}
