// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.Witness;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.vnode.Vnode;
import penumbra.vnode.Vnodes;

/** The order of locks, and the objects and vnodes that are locked. */
@Component(service = LocksCommand.class)
@GogoCommand(
        scope = "ddb",
        function = {"witness", "alllocks"})
public final class LocksCommand {
    private final VmObjects objects;
    private final Vnodes vnodes;

    /** Looks at the locks of these objects and vnodes. */
    @Activate
    public LocksCommand(@Reference VmObjects objects, @Reference Vnodes vnodes) {
        this.objects = objects;
        this.vnodes = vnodes;
    }

    /** Whether the witness watches, and the order that it enforces. */
    @Descriptor("show whether the witness is on, and the order of locks")
    public String witness(String... words) {
        new Arguments("witness", words).end();
        return "witness: " + (Witness.ON ? "on" : "off") + "\n"
                + Arrays.stream(LockRank.values()).map(LockRank::name).collect(Collectors.joining(" -> "));
    }

    /** The objects and vnodes whose lock somebody holds at this moment. */
    @Descriptor("show the objects and vnodes that are locked")
    public String alllocks(String... words) {
        new Arguments("alllocks", words).end();
        List<VmObject> listed = new ArrayList<>();
        objects.forEach(listed::add);
        Answer answer = new Answer();
        for (Vnode vnode : vnodes.all()) {
            report(vnode.lock(), "vnode " + vnode.name(), answer);
        }
        for (VmObject object : listed) {
            report(object.lock(), "object " + ObjectName.of(object), answer);
        }
        answer.line("%d locked", answer.lines());
        return answer.toString();
    }

    private static void report(KernelLock lock, String what, Answer answer) {
        try (Glance glance = Glance.at(lock)) {
            if (!glance.wasFree()) {
                answer.line("%s", what);
            }
        }
    }
}
