// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.bytes;
import static penumbra.lab.scenario.Session.number;
import static penumbra.lab.scenario.Session.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.process.Errno;
import penumbra.process.Limit;
import penumbra.process.MemoryCalls;
import penumbra.process.OpenFile;
import penumbra.process.Placement;
import penumbra.process.Process;
import penumbra.process.Signal;
import penumbra.vnode.Vnode;

/**
 * What programs do: system calls with all their checks, accesses to single bytes, and the signals that answer them.
 * Addresses and lengths are in bytes, or in pages with the letter p.
 */
final class CallOperations {
    private static final Map<String, Integer> MAP_FLAGS = new TreeMap<>(Map.of(
            "shared", MemoryCalls.MAP_SHARED,
            "private", MemoryCalls.MAP_PRIVATE,
            "fixed", MemoryCalls.MAP_FIXED,
            "stack", MemoryCalls.MAP_STACK,
            "nosync", MemoryCalls.MAP_NOSYNC,
            "anon", MemoryCalls.MAP_ANON,
            "nocore", MemoryCalls.MAP_NOCORE,
            "prefault", MemoryCalls.MAP_PREFAULT_READ));

    private static final Map<String, Integer> SYNC_FLAGS =
            new TreeMap<>(Map.of("sync", 0, "async", MemoryCalls.MS_ASYNC, "invalidate", MemoryCalls.MS_INVALIDATE));

    private static final Map<String, Integer> LOCK_FLAGS =
            new TreeMap<>(Map.of("current", MemoryCalls.MCL_CURRENT, "future", MemoryCalls.MCL_FUTURE));

    private static final Map<String, Integer> INHERITANCES = new TreeMap<>(Map.of("share", 0, "copy", 1, "none", 2));

    private static final Map<String, Integer> ADVICES = new TreeMap<>();

    static {
        for (Advice advice : Advice.values()) {
            ADVICES.put(advice == Advice.SEQUENTIAL ? "seq" : advice.name().toLowerCase(Locale.ROOT), advice.ordinal());
        }
    }

    private final Session session;

    CallOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("sys_mmap PROCESS ADDRESS LENGTH PROT FLAGS -|OBJECT:r|w|rw OFFSET", this::mmap),
                Operation.of("sys_munmap PROCESS ADDRESS LENGTH", a -> onRange(a, MemoryCalls::munmap)),
                Operation.of("sys_mprotect PROCESS ADDRESS LENGTH PROT", this::mprotect),
                Operation.of("sys_minherit PROCESS ADDRESS LENGTH share|copy|none", this::minherit),
                Operation.of("sys_madvise PROCESS ADDRESS LENGTH ADVICE", this::madvise),
                Operation.of("sys_msync PROCESS ADDRESS LENGTH sync|async|invalidate", this::msync),
                Operation.of("sys_mincore PROCESS ADDRESS LENGTH", this::mincore),
                Operation.of("sys_mlock PROCESS ADDRESS LENGTH", a -> onRange(a, MemoryCalls::mlock)),
                Operation.of("sys_munlock PROCESS ADDRESS LENGTH", a -> onRange(a, MemoryCalls::munlock)),
                Operation.of("sys_mlockall PROCESS current|future|current,future", this::mlockall),
                Operation.of(
                        "sys_munlockall PROCESS",
                        a -> answer(session.process(a).calls().munlockall())),
                Operation.of("setrlimit PROCESS memlock|stack|vmem BYTES", this::setLimit),
                Operation.of("swaplimit BYTES", this::setSwapLimit),
                Operation.of("peek PROCESS ADDRESS [COUNT]", this::peek),
                Operation.of("poke PROCESS ADDRESS BYTE [COUNT]", this::poke),
                Operation.of("fetch PROCESS ADDRESS", this::fetch));
    }

    private static JsonNode answer(Errno error) {
        return text(error.name());
    }

    private static JsonNode address(long address) {
        long rest = address & PageSize.MASK;
        return text(PageSize.index(address) + "p" + (rest == 0 ? "" : "+" + rest));
    }

    private JsonNode mmap(Arguments a) {
        MemoryCalls calls = session.process(a).calls();
        long start = a.bytes("ADDRESS");
        long length = a.bytes("LENGTH");
        int prot = a.protBits("PROT");
        int flags = a.bits("FLAGS", MAP_FLAGS);
        @Nullable OpenFile file = file(a.word("-|OBJECT:r|w|rw"));
        Placement placement = calls.mmap(start, length, prot, flags, file, a.bytes("OFFSET"));
        return placement.error().ok() ? address(placement.address()) : answer(placement.error());
    }

    private @Nullable OpenFile file(String word) {
        if (word.equals("-")) {
            return null;
        }
        int colon = word.indexOf(':');
        String mode = word.substring(colon + 1);
        if (colon < 0 || !mode.matches("r|w|rw")) {
            throw new BadScript("\"" + word + "\": expected - or an object with :r, :w or :rw");
        }
        VmObject object = session.object(word.substring(0, colon));
        if (object.handle() instanceof Vnode vnode) {
            return new OpenFile(vnode, mode.startsWith("r"), mode.endsWith("w"));
        }
        throw new BadScript(StatePrinter.nameOf(object) + " is no file: expected an object made by file or vnode");
    }

    /** A call on a range. */
    private interface RangeCall {
        Errno run(MemoryCalls calls, long start, long length);
    }

    private JsonNode onRange(Arguments a, RangeCall call) {
        MemoryCalls calls = session.process(a).calls();
        long start = a.bytes("ADDRESS");
        return answer(call.run(calls, start, a.bytes("LENGTH")));
    }

    private JsonNode mprotect(Arguments a) {
        return onRange(a, (calls, start, length) -> calls.mprotect(start, length, a.protBits("PROT")));
    }

    private JsonNode minherit(Arguments a) {
        return onRange(a, (calls, start, length) -> calls.minherit(start, length, a.bits("KIND", INHERITANCES)));
    }

    private JsonNode madvise(Arguments a) {
        return onRange(a, (calls, start, length) -> calls.madvise(start, length, a.bits("ADVICE", ADVICES)));
    }

    private JsonNode msync(Arguments a) {
        return onRange(a, (calls, start, length) -> calls.msync(start, length, a.bits("FLAGS", SYNC_FLAGS)));
    }

    private JsonNode mincore(Arguments a) {
        MemoryCalls calls = session.process(a).calls();
        long start = a.bytes("ADDRESS");
        int length = Session.byteCount(a);
        byte[] states = new byte[(int) PageSize.index(PageSize.ceiling(length)) + 1];
        Errno error = calls.mincore(start, length, states);
        long pages = PageSize.index(PageSize.ceiling(start + length) - PageSize.floor(start));
        return error.ok() ? bytes(Arrays.copyOf(states, (int) pages)) : answer(error);
    }

    private JsonNode mlockall(Arguments a) {
        MemoryCalls calls = session.process(a).calls();
        return answer(calls.mlockall(a.bits("FLAGS", LOCK_FLAGS)));
    }

    private JsonNode setLimit(Arguments a) {
        Process process = session.process(a);
        Limit limit = Limit.valueOf(a.choice("memlock", "stack", "vmem").toUpperCase(Locale.ROOT));
        process.setLimit(limit, a.bytes("BYTES"));
        return number(0);
    }

    private JsonNode setSwapLimit(Arguments a) {
        session.kernel().accounting().setUserLimit(Session.CRED.uid(), a.bytes("BYTES"));
        return number(0);
    }

    /** What an access answers, or the signal that it brings. */
    private JsonNode access(Process process, Supplier<JsonNode> access) {
        try {
            return session.asUser(process, access);
        } catch (MemoryFault fault) {
            Signal signal = Signal.of(fault.reason(), session.kernel().machine().fidelity());
            return text(signal.signal() + ":" + signal.name());
        }
    }

    private JsonNode peek(Arguments a) {
        Process process = session.process(a);
        long start = a.bytes("ADDRESS");
        byte[] found = new byte[a.more() ? Session.byteCount(a) : 1];
        return access(process, () -> {
            session.cpu().load(start, Prot.READ, found, 0, found.length);
            return bytes(found);
        });
    }

    private JsonNode poke(Arguments a) {
        Process process = session.process(a);
        long start = a.bytes("ADDRESS");
        int value = a.count("BYTE");
        byte[] stored = new byte[a.more() ? Session.byteCount(a) : 1];
        Arrays.fill(stored, (byte) value);
        return access(process, () -> {
            session.cpu().store(start, stored, 0, stored.length);
            return text(Errno.OK.name());
        });
    }

    private JsonNode fetch(Arguments a) {
        Process process = session.process(a);
        long start = a.bytes("ADDRESS");
        return access(process, () -> {
            session.cpu().fetch(start, 1);
            return text(Errno.OK.name());
        });
    }
}
