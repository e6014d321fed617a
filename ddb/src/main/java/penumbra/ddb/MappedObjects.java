// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import penumbra.map.AddressSpace;
import penumbra.map.MapEntry;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.process.Processes;

/**
 * The objects that processes and the kernel map, submaps included, with all that lie behind them
 * ({@code vm_object_in_map}): collected once, where the original searches every map for each object.
 */
final class MappedObjects {
    private final Set<AddressSpace> spaces = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<VmObject> objects = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<String> unread = new ArrayList<>();

    /** Reads every address space. */
    MappedObjects(Processes processes) {
        for (Process process : processes.all()) {
            add(process.space(), "process " + process.pid());
        }
        add(processes.kernelSpace(), "the kernel");
    }

    /** Whether some map leads to {@code object}. */
    boolean contains(VmObject object) {
        return objects.contains(object);
    }

    /** Whose maps could not be read, because they are locked. */
    List<String> unread() {
        return unread;
    }

    private void add(AddressSpace space, String owner) {
        if (!spaces.add(space)) {
            return;
        }
        @Nullable SpaceReading reading = SpaceReading.of(space);
        if (reading == null) {
            unread.add(owner);
            return;
        }
        for (MapEntry entry : reading.entries()) {
            @Nullable AddressSpace submap = entry.submap();
            if (submap != null) {
                add(submap, owner);
            }
            @Nullable VmObject object = entry.object();
            while (object != null && objects.add(object)) {
                object = object.backing();
            }
        }
    }
}
