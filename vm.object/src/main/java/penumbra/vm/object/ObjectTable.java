// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;

/**
 * The list of all objects in order of allocation, and the store of objects that are gone and wait for another life, the
 * one gone last first ({@code vm_object_list} and the never-shrinking {@code VM OBJECT} zone).
 */
final class ObjectTable {
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "vm object list");
    private final ObjectCore core;
    private @Nullable MemoryObject first;
    private @Nullable MemoryObject last;
    private @Nullable MemoryObject spare;
    private long lastId;

    ObjectTable(ObjectCore core) {
        this.core = core;
    }

    /** Makes an object with the next id, out of a spare one if there is one ({@code vm_object_allocate}). */
    MemoryObject allocate(ObjectType type, long size) {
        lock.lock();
        @Nullable MemoryObject object = spare;
        if (object != null) {
            spare = object.nextListed;
        }
        long id = ++lastId;
        lock.unlock();
        return enlist(object != null ? object : new MemoryObject(core), id, type, size);
    }

    /** Makes one of the kernel's own objects, which are numbered apart from all others. */
    MemoryObject allocateKernel(long id, long size, int color) {
        MemoryObject object = enlist(new MemoryObject(core), id, ObjectType.PHYS, size);
        object.lock().lock();
        object.setColor(color);
        object.lock().unlock();
        return object;
    }

    private MemoryObject enlist(MemoryObject object, long id, ObjectType type, long size) {
        object.become(id, type, size);
        lock.lock();
        object.nextListed = null;
        object.previousListed = last;
        if (last == null) {
            first = object;
        } else {
            last.nextListed = object;
        }
        last = object;
        lock.unlock();
        return object;
    }

    /** Takes an object that nobody uses any more off the list and keeps it for another life. */
    void retire(MemoryObject object) {
        object.assertSpent();
        lock.lock();
        if (object.previousListed == null) {
            first = object.nextListed;
        } else {
            object.previousListed.nextListed = object.nextListed;
        }
        if (object.nextListed == null) {
            last = object.previousListed;
        } else {
            object.nextListed.previousListed = object.previousListed;
        }
        object.previousListed = null;
        object.nextListed = spare;
        spare = object;
        lock.unlock();
    }

    /** Shows every object; {@code visitor} runs under the table's lock and takes no other. */
    void forEach(Consumer<? super VmObject> visitor) {
        lock.lock();
        try {
            for (MemoryObject object = first; object != null; object = object.nextListed) {
                visitor.accept(object);
            }
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    VmObject find(long id) {
        lock.lock();
        @Nullable MemoryObject object = first;
        while (object != null && object.id() != id) {
            object = object.nextListed;
        }
        lock.unlock();
        return object;
    }
}
