// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.vnode.Vnode;

/** What the operations of one script share: the machine, the processes by name, and the objects by number. */
final class Session {
    /** In whose name scripts reserve swap: no superuser, so that limits bind. */
    static final Cred CRED = new Cred(1001);

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** What an operation on bytes may be about at most: a superpage. */
    private static final int MAX_BYTES = 2 << 20;

    private final Kernel kernel;
    private final ScriptHoldings holdings = new ScriptHoldings();
    private final Map<String, Process> processes = new LinkedHashMap<>();
    /** By vnode, because a vnode shows its contents only through a guard of its own. */
    private final Map<Vnode, TaggedFile> files = new IdentityHashMap<>();

    Session(Kernel kernel) {
        this.kernel = kernel;
    }

    Kernel kernel() {
        return kernel;
    }

    /** The CPU that runs the script's processes. */
    Cpu cpu() {
        return kernel.machine().cpus().get(0);
    }

    /**
     * Lets the script's CPU access memory as {@code process}.
     *
     * @throws MemoryFault when that is refused
     */
    <T> T asUser(Process process, Supplier<T> access) {
        Cpu cpu = cpu();
        kernel.processes().run(cpu, process);
        cpu.enterUser();
        try {
            return access.get();
        } finally {
            cpu.leaveUser();
        }
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

    /** How many bytes an operation is about: at most a few pages. */
    static int byteCount(Arguments arguments) {
        long count = arguments.bytes("COUNT");
        if (count < 0 || count > MAX_BYTES) {
            throw new BadScript("COUNT is " + count + ": expected 0 to " + MAX_BYTES + " bytes");
        }
        return (int) count;
    }

    /** Bytes as scripts show them: one number when all are the same, else an array. */
    static JsonNode bytes(byte[] bytes) {
        var array = JSON.arrayNode();
        boolean same = bytes.length > 0;
        for (byte one : bytes) {
            array.add(one & 0xff);
            same &= one == bytes[0];
        }
        return same ? array.get(0) : array;
    }

    static JsonNode id(VmObject object) {
        return text(StatePrinter.nameOf(object));
    }
}
