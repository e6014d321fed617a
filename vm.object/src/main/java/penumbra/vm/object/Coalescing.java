// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFlags;

/** How one object comes to serve the mapping behind it too ({@code vm_object_coalesce}). */
final class Coalescing {
    private final ObjectCore core;

    Coalescing(ObjectCore core) {
        this.core = core;
    }

    /**
     * Makes {@code nextSize} pages behind a mapping's {@code [prevOffset, prevOffset + prevSize)} part of the object, empty
     * and paid for. Unlocked; may block.
     *
     * @return false when somebody else may use those pages, or nobody can pay for them
     */
    boolean coalesce(MemoryObject object, long prevOffset, long prevSize, long nextSize, boolean reserved) {
        object.lock().lock();
        boolean done = coalesceLocked(object, prevOffset + prevSize, nextSize, reserved);
        object.lock().unlock();
        return done;
    }

    private boolean coalesceLocked(MemoryObject object, long next, long count, boolean reserved) {
        if (!object.type().anonymous() || object.has(ObjectFlags.TMPFS)) {
            return false;
        }
        object.collapse();
        if (object.backing() != null || !mayReuse(object, next)) {
            return false;
        }
        long size = Math.max(object.size(), next + count);
        if (!pay(object, size, count, reserved)) {
            return false;
        }
        if (next < object.size()) {
            // What an earlier mapping of these pages left behind.
            object.pageRemove(next, next + count, 0);
            core.freeSwap(object, next, count);
        }
        object.setSize(size);
        return true;
    }

    /** Whether nobody else uses the pages from {@code next} on. */
    private boolean mayReuse(MemoryObject object, long next) {
        if (next == object.size()) {
            return true;
        }
        if (!core.corrected()) {
            return object.refCount() == 1;
        }
        // No page is mapped twice, so a hole between two mappings is free; but a fault from before it opened may be
        // late.
        boolean free = object.refCount() == 1 || object.has(ObjectFlags.ONEMAPPING);
        return free && (next > object.size() || object.pagingInProgress() == 0);
    }

    /**
     * Charges a charged object for {@code count} pages more. The original charges for all of them even if the object, now
     * of {@code size} pages, had some of them paid for.
     */
    private boolean pay(MemoryObject object, long size, long count, boolean reserved) {
        @Nullable Cred cred = object.cred();
        if (cred == null) {
            return true;
        }
        long bytes = PageSize.bytes(count);
        long room = Math.max(0, PageSize.bytes(size) - object.charge());
        long due = core.corrected() ? Math.min(bytes, room) : bytes;
        if (reserved) {
            core.accounting().release(bytes - due, cred);
        } else if (!core.accounting().reserve(due, cred)) {
            return false;
        }
        object.setCharge(cred, object.charge() + due);
        return true;
    }
}
