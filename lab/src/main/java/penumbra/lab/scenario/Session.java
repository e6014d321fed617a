// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.vnode.Vnode;

/** What the operations of one script share: the machine, the processes by name, and the objects by number. */
final class Session {
    /** In whose name scripts reserve swap: no superuser, so that limits bind. */
    static final Cred CRED = new Cred(1001);

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final Kernel kernel;
    private final ScriptHoldings holdings = new ScriptHoldings();
    private final Map<String, Process> processes = new LinkedHashMap<>();
    /** By vnode, because a vnode shows its contents only through a guard of its own. */
    private final Map<Vnode, TaggedFile> files = new IdentityHashMap<>();

    Session(Kernel kernel) {
        this.kernel = kernel;
        kernel.pages().setDaemon(null);
        kernel.pages().setDaemon(new AlternatingDaemon(kernel.pageout()));
    }

    Kernel kernel() {
        return kernel;
    }

    ScriptHoldings holdings() {
        return holdings;
    }

    /** The number of the next file: its contents depend on it. */
    int nextFile() {
        return files.size() + 1;
    }

    void addFile(Vnode vnode, TaggedFile file) {
        files.put(vnode, file);
    }

    /** The file that {@code object} caches; null when it caches none. */
    @Nullable
    TaggedFile file(VmObject object) {
        return object.handle() instanceof Vnode vnode ? files.get(vnode) : null;
    }

    VmObject object(Arguments arguments) {
        return object(arguments.word("an object"));
    }

    VmObject object(String name) {
        @Nullable VmObject object = null;
        if (name.matches("o[1-9][0-9]{0,8}")) {
            object = kernel.objects().find(Long.parseLong(name.substring(1)));
        }
        if (object == null) {
            throw new BadScript("\"" + name + "\" is no object: expected o and the number of one that exists");
        }
        return object;
    }

    Process process(Arguments arguments) {
        String name = arguments.word("a process");
        @Nullable Process process = processes.get(name);
        if (process == null) {
            throw new BadScript("no process " + name + ": expected one of " + processes.keySet());
        }
        return process;
    }

    Map<String, Process> processes() {
        return processes;
    }

    static JsonNode number(long value) {
        return JSON.numberNode(value);
    }

    static JsonNode truth(boolean value) {
        return JSON.numberNode(value ? 1 : 0);
    }

    static JsonNode text(String value) {
        return JSON.textNode(value);
    }

    static JsonNode none() {
        return JSON.nullNode();
    }

    static JsonNode array(JsonNode... values) {
        var array = JSON.arrayNode();
        for (JsonNode value : values) {
            array.add(value);
        }
        return array;
    }

    static JsonNode id(VmObject object) {
        return text(StatePrinter.nameOf(object));
    }
}
