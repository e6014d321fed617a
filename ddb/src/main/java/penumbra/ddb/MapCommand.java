// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.StringJoiner;
import org.apache.felix.service.command.Descriptor;
import org.apache.felix.service.command.annotations.GogoCommand;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.hw.Prot;
import penumbra.map.AddressSpace;
import penumbra.map.Behavior;
import penumbra.map.MapEntry;
import penumbra.process.Process;
import penumbra.process.Processes;

/** The entries of an address space ({@code vm_map_print}). */
@Component(service = MapCommand.class)
@GogoCommand(
        scope = "ddb",
        function = {"map", "procvm"})
public final class MapCommand {
    private static final String KERNEL = "kernel";

    private final Processes processes;

    /** Shows the maps of these processes and of the kernel. */
    @Activate
    public MapCommand(@Reference Processes processes) {
        this.processes = processes;
    }

    /** The entries of a process's map, or of the kernel's, submaps included. */
    @Descriptor("show the map entries of a process or of the kernel")
    public String map(@Descriptor("PID or \"kernel\"") String... words) {
        Arguments arguments = new Arguments("map PID|kernel", words);
        String owner = arguments.word();
        arguments.end();
        Answer answer = new Answer();
        if (owner.equals(KERNEL)) {
            space(KERNEL, processes.kernelSpace(), "", answer);
        } else {
            Process process = process(new Arguments("map PID|kernel", owner));
            space("process " + process.pid(), process.space(), "", answer);
        }
        return answer.toString();
    }

    /** What the process table knows of a process, and its map. */
    @Descriptor("show a process and its map entries")
    public String procvm(@Descriptor("PID") String... words) {
        Arguments arguments = new Arguments("procvm PID", words);
        Process process = process(arguments);
        arguments.end();
        Answer answer = new Answer();
        answer.line(
                "process %d: %s, uid %d%s%s",
                process.pid(),
                process.name(),
                process.cred().uid(),
                process.isProtected() ? ", protected" : "",
                process.killed() ? ", killed: " + process.killReason() : "");
        space("process " + process.pid(), process.space(), "", answer);
        return answer.toString();
    }

    private Process process(Arguments arguments) {
        int pid = arguments.number(Integer.MAX_VALUE);
        for (Process process : processes.all()) {
            if (process.pid() == pid) {
                return process;
            }
        }
        throw arguments.bad("there is no process " + pid);
    }

    private static void space(String owner, AddressSpace space, String indent, Answer answer) {
        @Nullable SpaceReading reading = SpaceReading.of(space);
        if (reading == null) {
            answer.line("%smap of %s: 0x%x bytes (locked)", indent, owner, space.size());
            return;
        }
        answer.line(
                "%smap of %s: [0x%x, 0x%x), %d entries, 0x%x bytes, pmap: %s resident, %s wired",
                indent,
                owner,
                space.min(),
                space.max(),
                reading.entries().size(),
                space.size(),
                reading.resident(),
                reading.wired());
        for (MapEntry entry : reading.entries()) {
            entry(entry, indent + "  ", answer);
        }
    }

    private static void entry(MapEntry entry, String indent, Answer answer) {
        @Nullable AddressSpace submap = entry.submap();
        answer.line(
                "%s[0x%x, 0x%x) %s/%s %s%s %s",
                indent,
                entry.start(),
                entry.end(),
                letters(entry.prot()),
                letters(entry.maxProt()),
                entry.inheritance(),
                attributes(entry),
                submap != null ? "submap" : ObjectName.of(entry.object()) + " + 0x" + Long.toHexString(entry.offset()));
        if (submap != null) {
            space("the submap", submap, indent + "  ", answer);
        }
    }

    private static String letters(int prot) {
        return ((prot & Prot.READ) != 0 ? "r" : "-")
                + ((prot & Prot.WRITE) != 0 ? "w" : "-")
                + ((prot & Prot.EXECUTE) != 0 ? "x" : "-");
    }

    private static String attributes(MapEntry entry) {
        StringJoiner list = new StringJoiner(", ", ", ", ",").setEmptyValue(",");
        add(list, entry.copyOnWrite(), "copy-on-write");
        add(list, entry.needsCopy(), "needs-copy");
        add(list, entry.wiredCount() > 0, "wired " + entry.wiredCount() + (entry.userWired() ? " (user)" : ""));
        add(list, entry.behavior() != Behavior.NORMAL, String.valueOf(entry.behavior()));
        add(list, entry.cred() != null, "charged");
        add(
                list,
                entry.nextRead() > 0,
                "read-ahead " + entry.readAhead() + " at 0x" + Long.toHexString(entry.nextRead()));
        add(list, entry.stackGrowth() >= 0, "grows by 0x" + Long.toHexString(entry.stackGrowth()));
        add(list, entry.noSync(), "nosync");
        add(list, entry.noCore(), "nocore");
        add(list, entry.writeCounted(), "counts as writer");
        return list.toString();
    }

    private static void add(StringJoiner list, boolean holds, String attribute) {
        if (holds) {
            list.add(attribute);
        }
    }
}
