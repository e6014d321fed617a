// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.StringJoiner;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.account.Cred;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.pager.SwapSpace;
import penumbra.vnode.Vnode;

/** One object with every field, and if asked with its pages ({@code vm_object_print}). */
@Component(service = ObjectCommand.class)
@GogoCommand(scope = "ddb", function = "object")
public final class ObjectCommand {
    private static final BitNames FLAGS = new BitNames()
            .name(ObjectFlags.FICTITIOUS, "FICTITIOUS")
            .name(ObjectFlags.UNMANAGED, "UNMANAGED")
            .name(ObjectFlags.ACTIVE, "ACTIVE")
            .name(ObjectFlags.DEAD, "DEAD")
            .name(ObjectFlags.NOSPLIT, "NOSPLIT")
            .name(ObjectFlags.PIPWNT, "PIPWNT")
            .name(ObjectFlags.MIGHTBEDIRTY, "MIGHTBEDIRTY")
            .name(ObjectFlags.COLORED, "COLORED")
            .name(ObjectFlags.ONEMAPPING, "ONEMAPPING")
            .name(ObjectFlags.DISCONNECTWNT, "DISCONNECTWNT")
            .name(ObjectFlags.TMPFS, "TMPFS");

    /** Names in a line; an object may have a hundred thousand shadows. */
    private static final int SHADOWS = 16;

    private final VmObjects objects;
    private final SwapSpace swap;

    /** Shows these objects. */
    @Activate
    public ObjectCommand(@Reference VmObjects objects, @Reference SwapSpace swap) {
        this.objects = objects;
        this.swap = swap;
    }

    /** The object's fields; with {@code full}, the runs of its resident and swapped pages. */
    @Descriptor("show an object, with \"full\" its pages")
    public String object(@Descriptor("NUMBER [full]") String... words) {
        Arguments arguments = new Arguments("object NUMBER [full]", words);
        long id = arguments.object();
        boolean full = arguments.option("full");
        arguments.end();
        @Nullable VmObject object = objects.find(id);
        if (object == null) {
            throw arguments.bad("there is no object " + ObjectName.of(id));
        }
        Answer answer = new Answer();
        try (Glance glance = Glance.at(object.lock())) {
            if (object.id() != id) {
                throw arguments.bad("object " + ObjectName.of(id) + " has just gone");
            }
            fields(object, glance.mark(), answer);
            if (glance.held()) {
                swapped(object, full, answer);
                if (full) {
                    resident(object, answer);
                }
            }
        }
        return answer.toString();
    }

    private static void fields(VmObject object, String mark, Answer answer) {
        @Nullable Cred cred = object.cred();
        answer.line(
                "object %s: type %s, size 0x%x, res %d, ref %d, flags 0x%x%s, uid %s, charge 0x%x%s",
                ObjectName.of(object),
                object.type(),
                object.size(),
                object.pages().count(),
                object.refCount(),
                object.flags(),
                FLAGS.of(object.flags()),
                cred == null ? "-" : cred.uid(),
                object.charge(),
                mark);
        @Nullable VmObject backing = object.backing();
        answer.line(
                "  sref %d, backing %s (ref %d) + 0x%x",
                object.shadowCount(),
                ObjectName.of(backing),
                backing == null ? 0 : backing.refCount(),
                object.backingOffset());
        if (object.firstShadow() != null) {
            answer.line("  shadows %s", shadows(object));
        }
        answer.line(
                "  pip %d, generation %d, color 0x%x, memattr %d",
                object.pagingInProgress(), object.generation(), object.color(), object.memattr());
        if (object.handle() != null) {
            answer.line("  handle %s", nameOf(object.handle()));
        }
        if (object.tmpfsNode() != null) {
            answer.line("  tmpfs node %s", nameOf(object.tmpfsNode()));
        }
    }

    private static String shadows(VmObject object) {
        StringJoiner names = new StringJoiner(" ");
        int left = SHADOWS;
        for (VmObject s = object.firstShadow(); s != null && left > 0; s = s.nextSibling()) {
            names.add(ObjectName.of(s));
            left--;
        }
        return object.shadowCount() > SHADOWS ? names + " ..." : names.toString();
    }

    private static String nameOf(@Nullable Object handle) {
        return handle instanceof Vnode vnode ? "vnode " + vnode.name() : String.valueOf(handle);
    }

    private void swapped(VmObject object, boolean full, Answer answer) {
        if (object.type() != ObjectType.SWAP) {
            return;
        }
        answer.line("  swap: %d pages, %d blocks of the location map", swap.pages(object), swap.blocks(object));
        if (full) {
            swap.forEach(
                    object,
                    (pindex, store, slot, version, checksum) -> answer.line(
                            "  swapped: index 0x%x store %s slot %d version %d crc 0x%08x",
                            pindex, store.name(), slot, version, checksum));
        }
    }

    private static void resident(VmObject object, Answer answer) {
        PageRuns.forEach(object.pages(), 0, (pindex, count, address) -> {
            answer.line("  memory: index 0x%x run %d pa 0x%x", pindex, count, address);
            return true;
        });
    }
}
