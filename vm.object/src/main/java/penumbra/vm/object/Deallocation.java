// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelPanic;
import penumbra.kern.SpinWait;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.vnode.Vnode;

/** How references end ({@code vm_object_deallocate}). */
final class Deallocation {
    private final ObjectCore core;

    Deallocation(ObjectCore core) {
        this.core = core;
    }

    /**
     * Drops a reference of {@code object}, and those that the objects which end with it have. No object locked; may
     * block.
     */
    void deallocate(MemoryObject object) {
        @Nullable MemoryObject next = object;
        while (next != null) {
            next = dropOne(next);
        }
    }

    /** Drops one reference; returns the object whose reference is to be dropped next. */
    private @Nullable MemoryObject dropOne(MemoryObject object) {
        object.lock().lock();
        if (object.type() == ObjectType.VNODE) {
            dropFile(object);
            return null;
        }
        int left = object.forgetReference();
        if (left == 0) {
            return end(object);
        }
        if (left == 1 && (!isTmpfs(object) || settleTmpfs(object))) {
            return settleLastUser(object);
        }
        object.lock().unlock();
        return null;
    }

    /**
     * Drops a reference of a file object, and the use of the file with it ({@code vm_object_vndeallocate}). Locked on
     * entry only.
     */
    private static void dropFile(MemoryObject object) {
        Vnode file = object.file();
        if (object.refCount() > 1) {
            object.forgetReference();
            object.lock().unlock();
            file.release();
            return;
        }
        file.hold();
        object.lock().unlock();
        file.lock().lock();
        object.lock().lock();
        int left = object.forgetReference();
        boolean dead = object.type() == ObjectType.DEAD;
        if (!dead && left == 0) {
            file.setText(false);
        }
        object.lock().unlock();
        if (dead) {
            file.lock().unlock();
        } else {
            file.put();
        }
        // Not before the lock is free: the hold may be all that keeps the vnode.
        file.drop();
    }

    private static boolean isTmpfs(MemoryObject object) {
        return object.type() == ObjectType.SWAP && object.has(ObjectFlags.TMPFS);
    }

    /**
     * Tells the vnode of a tmpfs file that nobody maps it any more. Locked; drops the lock.
     *
     * @return false when the object changed meanwhile
     */
    private static boolean settleTmpfs(MemoryObject object) {
        if (!(object.tmpfsNode() instanceof Vnode file)) {
            throw new KernelPanic("deallocate: %s is of tmpfs and has no vnode", object);
        }
        long id = object.id();
        file.hold();
        object.lock().unlock();
        file.lock().lock();
        object.lock().lock();
        boolean same = object.id() == id && object.type() != ObjectType.DEAD && object.refCount() == 1;
        if (same && object.has(ObjectFlags.TMPFS)) {
            file.setText(false);
        }
        file.lock().unlock();
        file.drop();
        return same;
    }

    /**
     * Settles what one remaining reference means: a single mapping, or a single shadow that can swallow the object.
     * Locked on entry only.
     */
    private @Nullable MemoryObject settleLastUser(MemoryObject object) {
        @Nullable MemoryObject shadow = object.firstShadow();
        if (!object.plain() || object.shadowCount() > 1 || shadow == null) {
            if (object.plain() && object.shadowCount() == 0 && !isTmpfs(object)) {
                object.setFlag(ObjectFlags.ONEMAPPING);
            }
            object.lock().unlock();
            return null;
        }
        if (object.has(ObjectFlags.TMPFS)) {
            throw new KernelPanic("deallocate: %s is of tmpfs and has a shadow", object);
        }
        if (!shadow.lock().tryLock()) {
            // Against the lock order: let the holder go on, and come back.
            object.retain();
            object.lock().unlock();
            SpinWait.letOthersRun();
            return object;
        }
        if (shadow.has(ObjectFlags.DEAD) || !shadow.plain()) {
            // A dying shadow takes the object with it.
            shadow.lock().unlock();
            object.lock().unlock();
            return null;
        }
        shadow.retain();
        waitForPaging(shadow, object);
        if (shadow.refCount() == 1) {
            shadow.forgetReference();
            return end(shadow);
        }
        core.collapse().collapse(shadow);
        shadow.lock().unlock();
        return shadow;
    }

    /**
     * Waits until nothing pages in either object or they are no longer a pair. Both locked on entry, {@code shadow} on
     * return.
     */
    private static void waitForPaging(MemoryObject shadow, MemoryObject object) {
        while (true) {
            if (shadow.pagingInProgress() != 0) {
                object.lock().unlock();
                shadow.pipWait("objde1");
            } else if (object.pagingInProgress() != 0) {
                shadow.lock().unlock();
                object.pipSleepAndDrop("objde2");
                shadow.lock().lock();
            } else {
                object.lock().unlock();
                return;
            }
            if (shadow.backing() != object) {
                return;
            }
            object.lock().lock();
        }
    }

    /**
     * Takes an object without references off its chain and terminates it; returns what was behind it. Locked on entry
     * only.
     */
    private @Nullable MemoryObject end(MemoryObject object) {
        @Nullable MemoryObject behind = object.backing();
        if (behind != null) {
            behind.lock().lock();
            object.unlinkBacking();
            behind.lock().unlock();
        }
        if (object.has(ObjectFlags.DEAD)) {
            // Its termination is under way and led here.
            object.lock().unlock();
        } else {
            core.termination().terminate(object);
        }
        return behind;
    }
}
