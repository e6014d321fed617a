// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.vnode.Vnode;

/** What msync does to the file at the end of a chain ({@code vm_object_sync}). */
final class Sync {
    private static final Logger LOG = LoggerFactory.getLogger(Sync.class);

    private final ObjectCore core;

    Sync(ObjectCore core) {
        this.core = core;
    }

    /** Writes, then invalidates if asked; the contract is {@link MemoryObject#sync}'s. */
    boolean sync(MemoryObject top, long topOffset, long topSize, boolean syncIo, boolean invalidate) {
        MemoryObject object = top;
        long offset = topOffset;
        long size = topSize;
        object.lock().lock();
        for (@Nullable MemoryObject behind = object.backing(); behind != null; behind = object.backing()) {
            behind.lock().lock();
            offset += object.backingOffset();
            object.lock().unlock();
            object = behind;
            size = Math.min(size, object.size() - offset);
        }
        if (size <= 0 && topSize > 0) {
            // The file ends before the range begins.
            object.lock().unlock();
            return true;
        }
        boolean written = true;
        if (object.type() == ObjectType.VNODE && object.has(ObjectFlags.MIGHTBEDIRTY)) {
            written = write(object, offset, size, syncIo, invalidate);
        }
        if (syncIo && object.type() == ObjectType.VNODE) {
            // What could not be made durable once is lost, however clean the pages look now.
            written &= !object.file().writesLost();
        }
        if (invalidate && (object.type() == ObjectType.VNODE || object.type() == ObjectType.DEVICE)) {
            object.pageRemove(offset, offset + size, invalidation(object.type()));
        }
        object.lock().unlock();
        return written;
    }

    /**
     * Writes the file's dirty pages with the vnode locked. The object is locked on entry and return, not in between.
     */
    private static boolean write(MemoryObject object, long offset, long size, boolean syncIo, boolean invalidate) {
        Vnode file = object.file();
        object.lock().unlock();
        file.lock().lock();
        object.lock().lock();
        // All of a file is written without waiting for each cluster, and waited for once.
        boolean atOnce = syncIo && !invalidate && offset == 0 && size == object.size();
        int flags = (syncIo || invalidate) && !atOnce ? ObjectFlags.CLEAN_SYNC : 0;
        flags |= invalidate ? ObjectFlags.CLEAN_INVAL : 0;
        boolean written = object.pageClean(offset, offset + size, flags);
        object.lock().unlock();
        if (atOnce) {
            written &= fsync(file);
        }
        file.lock().unlock();
        object.lock().lock();
        return written;
    }

    private static boolean fsync(Vnode file) {
        try {
            file.node().fsync();
            return true;
        } catch (IOException e) {
            LOG.warn("{}: fsync: {}", file.name(), e.getMessage());
            return false;
        }
    }

    private int invalidation(ObjectType type) {
        if (type == ObjectType.DEVICE) {
            // Unmanaged mappings cannot be found from here; the caller has removed them.
            return ObjectFlags.REMOVE_NOTMAPPED;
        }
        return core.oldMsync()
                ? ObjectFlags.REMOVE_NOTWIRED
                : ObjectFlags.REMOVE_CLEANONLY | ObjectFlags.REMOVE_NOTWIRED;
    }
}
