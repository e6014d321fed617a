// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.ArrayList;
import java.util.List;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;

/**
 * Where the pages of all objects lie in physical memory ({@code vm_object_print_pages}): block by block, where the
 * original waits for a key, and all pages, where it stops at index 128.
 */
@Component(service = VmopagCommand.class)
@GogoCommand(scope = "ddb", function = "vmopag")
public final class VmopagCommand {
    /** Lines in a block: a few screens. */
    static final int BLOCK = 100;

    private final VmObjects objects;

    /** Shows the pages of these objects. */
    @Activate
    public VmopagCommand(@Reference VmObjects objects) {
        this.objects = objects;
    }

    /** A place in the list of objects: an object by its number at the time, and a page of it. */
    private record Place(VmObject object, long id, long pindex) {}

    /** One block of the objects, in order of allocation, and their runs of pages; its last line says how to go on. */
    @Descriptor("show the resident pages of all objects, in runs with their physical addresses")
    public String vmopag(@Descriptor("[OBJECT [PINDEX]] where to start") String... words) {
        Arguments arguments = new Arguments("vmopag [OBJECT [PINDEX]]", words);
        boolean fromStart = !arguments.more();
        long id = fromStart ? 0 : arguments.object();
        long pindex = arguments.more() ? arguments.number() : 0;
        arguments.end();
        List<Place> places = new ArrayList<>();
        objects.forEach(object -> {
            if (fromStart || !places.isEmpty() || object.id() == id) {
                places.add(new Place(object, object.id(), places.isEmpty() ? pindex : 0));
            }
        });
        if (places.isEmpty() && !fromStart) {
            throw arguments.bad("there is no object " + ObjectName.of(id));
        }
        Answer answer = new Answer();
        for (Place place : places) {
            if (answer.lines() >= BLOCK) {
                answer.line("more: vmopag %s", ObjectName.of(place.id));
                break;
            }
            if (!show(place, answer)) {
                break;
            }
        }
        return answer.toString();
    }

    /** Returns whether the object fitted into the block. */
    private static boolean show(Place place, Answer answer) {
        VmObject object = place.object;
        try (Glance glance = Glance.at(object.lock())) {
            if (object.id() != place.id) {
                return true;
            }
            answer.line(
                    "object %s: %d resident%s",
                    ObjectName.of(place.id), object.pages().count(), glance.mark());
            return !glance.held()
                    || PageRuns.forEach(object.pages(), place.pindex, (pindex, count, address) -> {
                        if (answer.lines() >= BLOCK) {
                            answer.line("more: vmopag %s 0x%x", ObjectName.of(place.id), pindex);
                            return false;
                        }
                        answer.line("  index 0x%x run %d pa 0x%x", pindex, count, address);
                        return true;
                    });
        }
    }
}
