// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;

/**
 * The objects that pagers find by handle ({@code dev_pager_object_list}, {@code phys_pager_object_list}): kept here and
 * not by the pagers, so that a pager finds the objects of the one whose place it takes.
 */
final class NamedObjects {
    /** What an object goes by. */
    record Name(ObjectType type, Object handle) {}

    private final ConcurrentMap<Name, MemoryObject> objects = new ConcurrentHashMap<>();
    private final ObjectTable table;

    NamedObjects(ObjectTable table) {
        this.table = table;
    }

    /** What {@link penumbra.object.ObjectFactory#named} says. */
    MemoryObject of(ObjectType type, Object handle, long pages) {
        Name name = new Name(type, handle);
        while (true) {
            @Nullable MemoryObject found = objects.get(name);
            if (found == null) {
                MemoryObject[] made = new MemoryObject[1];
                objects.computeIfAbsent(name, key -> made[0] = make(key, pages));
                if (made[0] != null) {
                    return made[0];
                }
            } else if (join(found, name, pages)) {
                return found;
            } else {
                // It is on its way out; the next one does not wait for it.
                objects.remove(name, found);
            }
        }
    }

    private MemoryObject make(Name name, long pages) {
        MemoryObject object = table.allocate(name.type(), pages);
        object.setName(name);
        return object;
    }

    /** Adds a reference to an object if it still goes by {@code name}, and makes room; returns whether it does. */
    private static boolean join(MemoryObject object, Name name, long pages) {
        object.lock().lock();
        boolean alive = name.equals(object.name()) && !object.has(ObjectFlags.DEAD);
        if (alive) {
            object.referenceLocked();
            object.setSize(Math.max(object.size(), pages));
        }
        object.lock().unlock();
        return alive;
    }

    /** Forgets an object that went by {@code name}. */
    void forget(Name name, MemoryObject object) {
        objects.remove(name, object);
    }
}
