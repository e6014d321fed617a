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
     * Makes {@code nextSize} pages behind a mapping's {@code [prevOffset, prevOffset + prevSize)} part of the object,
     * empty and paid for. Unlocked; may block.
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
        if (object.backing() != null || mayBeUsed(object, next) || !pay(object, next, count, reserved)) {
            return false;
        }
        if (next < object.size()) {
            // What an earlier mapping of these pages left behind.
            object.pageRemove(next, next + count, 0);
            core.freeSwap(object, next, count);
        }
        object.setSize(Math.max(object.size(), next + count));
        return true;
    }

    /** Whether somebody else may use pages from {@code next} on: another mapping, or a fault from before its end. */
    private boolean mayBeUsed(MemoryObject object, long next) {
        boolean lateFault = core.corrected() && next < object.size() && object.pagingInProgress() != 0;
        return lateFault || (object.refCount() > 1 && next != object.size() && !recycles(object, next));
    }

    /**
     * Whether pages of a referenced object are going to be used again: when each of its pages has one mapping, those
     * that are about to be mapped have none.
     */
    private boolean recycles(MemoryObject object, long next) {
        return core.corrected() && object.refCount() > 1 && object.has(ObjectFlags.ONEMAPPING) && next < object.size();
    }

    /** Charges a charged object for {@code count} pages from {@code next} on; false when that cannot be reserved. */
    private boolean pay(MemoryObject object, long next, long count, boolean reserved) {
        @Nullable Cred cred = object.cred();
        if (cred == null) {
            return true;
        }
        long asked = PageSize.bytes(count);
        long bytes = recycles(object, next) ? unpaid(object, next, count) : asked;
        if (!reserved && !core.accounting().reserve(bytes, cred)) {
            return false;
        }
        if (reserved) {
            core.accounting().release(asked - bytes, cred);
        }
        object.setCharge(cred, object.charge() + bytes);
        return true;
    }

    /** What of the bytes asked for has not been paid, if the object shall not pay for more than it has. */
    private static long unpaid(MemoryObject object, long next, long count) {
        long size = PageSize.bytes(Math.max(object.size(), next + count));
        return Math.max(0, Math.min(PageSize.bytes(count), size - object.charge()));
    }
}
