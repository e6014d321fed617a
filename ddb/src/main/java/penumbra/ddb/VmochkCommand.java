// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.ArrayList;
import java.util.List;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.process.Processes;

/**
 * The check of internal objects: each is in a map somewhere, and none is without references ({@code vm_object_check}).
 */
@Component(service = VmochkCommand.class)
@GogoCommand(scope = "ddb", function = "vmochk")
public final class VmochkCommand {
    private final VmObjects objects;
    private final Processes processes;

    /** Checks these objects and processes. */
    @Activate
    public VmochkCommand(@Reference VmObjects objects, @Reference Processes processes) {
        this.objects = objects;
        this.processes = processes;
    }

    /** An internal object of the list, and who it was then: by the time it is looked at it may be another. */
    private record Internal(VmObject object, long id) {}

    /** Complaints, and a line that says how much was checked. Exact while nothing runs. */
    @Descriptor("check that internal objects are in a map somewhere and none has zero references")
    public String vmochk(String... words) {
        new Arguments("vmochk", words).end();
        List<Internal> internals = new ArrayList<>();
        objects.forEach(object -> {
            if (object.handle() == null && object.type().anonymous()) {
                internals.add(new Internal(object, object.id()));
            }
        });
        MappedObjects mapped = new MappedObjects(processes);
        List<Internal> unmapped = new ArrayList<>(internals);
        unmapped.removeIf(internal -> mapped.contains(internal.object));
        if (!unmapped.isEmpty()) {
            // What came into a map that had been read by then is in one now.
            MappedObjects again = new MappedObjects(processes);
            unmapped.removeIf(internal -> again.contains(internal.object));
        }
        Answer answer = new Answer();
        mapped.unread()
                .forEach(owner -> answer.line("the map of %s is locked: its objects seem to be in no map", owner));
        int warnings = answer.lines();
        for (Internal internal : internals) {
            if (internal.object.refCount() == 0) {
                complain(internal, "reference count 0", answer);
            }
        }
        for (Internal internal : unmapped) {
            complain(internal, "not in any map", answer);
        }
        answer.line("vmochk: %d internal objects, %d complaints", internals.size(), answer.lines() - warnings);
        return answer.toString();
    }

    private static void complain(Internal internal, String complaint, Answer answer) {
        VmObject object = internal.object;
        try (Glance glance = Glance.at(object.lock())) {
            if (object.id() != internal.id || object.has(ObjectFlags.DEAD)) {
                return;
            }
            answer.line(
                    "%s: %s: ref %d, size 0x%x, backing %s%s",
                    ObjectName.of(internal.id),
                    complaint,
                    object.refCount(),
                    object.size(),
                    ObjectName.of(object.backing()),
                    glance.mark());
        }
    }
}
