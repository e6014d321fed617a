// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;

/** How objects end: their pages cleaned and freed, their pager told, their charge given back. */
final class Termination {
    private static final Logger LOG = LoggerFactory.getLogger(Termination.class);

    private final ObjectCore core;

    Termination(ObjectCore core) {
        this.core = core;
    }

    /** Ends an object ({@code vm_object_terminate}). Locked on entry, gone on return; may block. */
    void terminate(MemoryObject object) {
        object.lock().assertHeld();
        object.setFlag(ObjectFlags.DEAD);
        object.pipWait("objtrm");
        // What a file's pages held goes to the file system, which keeps no buffers of ours that would have to be
        // flushed.
        if (object.type() == ObjectType.VNODE && !object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC)) {
            LOG.warn(
                    "{}: pages that could not be written are lost",
                    object.file().name());
        }
        if (object.refCount() != 0) {
            throw new KernelPanic("terminate: %s is still referenced", object);
        }
        core.pages().freeAll(object);
        if (!object.pages().reservationsEmpty()) {
            core.pages().breakReservations(object);
        }
        if (!object.pages().cacheEmpty()) {
            core.pages().cacheFree(object, 0, 0);
        }
        core.pagers().deallocate(object);
        object.lock().unlock();
        destroy(object);
    }

    /**
     * Gives back what is left of an object without pages, pager and references ({@code vm_object_destroy}). Unlocked.
     */
    void destroy(MemoryObject object) {
        if (object.cred() != null && !object.type().anonymous() && object.type() != ObjectType.DEAD) {
            throw new KernelPanic("destroy: %s is charged to %s", object, object.cred());
        }
        object.releaseCharge();
        core.table().retire(object);
    }
}
