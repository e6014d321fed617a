// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import static penumbra.lab.scenario.Session.array;
import static penumbra.lab.scenario.Session.number;
import static penumbra.lab.scenario.Session.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.kern.KernReturn;
import penumbra.map.AddressSpace;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.process.Process;

/** The operations on address spaces and by processes. Addresses and lengths are in pages. */
final class MapOperations {
    /** The first and last page that scripts' processes can map: page 0 stays unmapped, a GiB in all. */
    private static final long MIN_PAGE = 1;

    private static final long MAX_PAGE = 0x40000;

    private final Session session;

    MapOperations(Session session) {
        this.session = session;
    }

    List<Operation> all() {
        return List.of(
                Operation.of("proc NAME", this::create),
                Operation.of("fork PROCESS NAME", this::fork),
                Operation.of("vfork PROCESS NAME", this::vfork),
                Operation.of("exit PROCESS", this::exit),
                Operation.of(
                        "mmap PROCESS PAGE PAGES PROT MAXPROT anon|OBJECT OFFSET priv|share [nosync] [stack]",
                        this::mmap),
                Operation.of("unmap PROCESS PAGE PAGES", a -> onRange(a, AddressSpace::remove)),
                Operation.of("mprotect PROCESS PAGE PAGES PROT", this::protect),
                Operation.of("minherit PROCESS PAGE PAGES share|copy|none", this::inherit),
                Operation.of(
                        "madvise PROCESS PAGE PAGES normal|random|seq|willneed|dontneed|free|nosync|autosync",
                        this::madvise),
                Operation.of("msync PROCESS PAGE PAGES SYNC INVALIDATE", this::sync),
                Operation.of(
                        "mlock PROCESS PAGE PAGES",
                        a -> onRange(a, (s, start, end) -> s.wire(start, end, MapFlags.WIRE_USER))),
                Operation.of(
                        "munlock PROCESS PAGE PAGES",
                        a -> onRange(a, (s, start, end) -> s.unwire(start, end, MapFlags.WIRE_USER))),
                Operation.of("wr PROCESS PAGE TAG [BLOCK]", this::write),
                Operation.of("rd PROCESS PAGE [BLOCK]", this::read));
    }

    private String newName(Arguments a) {
        String name = a.word("NAME");
        if (session.processes().containsKey(name)) {
            throw new BadScript("there is a process " + name + " already: expected a new name");
        }
        return name;
    }

    private JsonNode create(Arguments a) {
        String name = newName(a);
        session.processes()
                .put(
                        name,
                        session.kernel()
                                .processes()
                                .create(name, Session.CRED, PageSize.bytes(MIN_PAGE), PageSize.bytes(MAX_PAGE)));
        return number(0);
    }

    private JsonNode fork(Arguments a) {
        Process parent = session.process(a);
        String name = newName(a);
        @Nullable Process child = session.kernel().processes().fork(parent, name);
        if (child == null) {
            return text("enomem");
        }
        session.processes().put(name, child);
        return number(PageSize.index(session.kernel().processes().forkCharge(child)));
    }

    private JsonNode vfork(Arguments a) {
        Process parent = session.process(a);
        String name = newName(a);
        session.processes().put(name, session.kernel().processes().vfork(parent, name));
        return number(0);
    }

    private JsonNode exit(Arguments a) {
        Process process = session.process(a);
        session.processes().values().remove(process);
        session.kernel().processes().exit(process);
        return number(0);
    }

    private JsonNode mmap(Arguments a) {
        AddressSpace space = session.process(a).space();
        long start = PageSize.bytes(a.count("PAGE"));
        long length = PageSize.bytes(a.count("PAGES"));
        int prot = a.prot("PROT");
        int maxProt = a.prot("MAXPROT");
        String what = a.word("anon|OBJECT");
        @Nullable VmObject object = what.equals("anon") ? null : session.object(what);
        long offset = a.count("OFFSET");
        boolean shared = a.choice("priv", "share").equals("share");
        int flags = shared ? MapFlags.INHERIT_SHARE : 0;
        if (object != null) {
            flags |= MapFlags.PREFAULT_PARTIAL | (shared ? 0 : MapFlags.COPY_ON_WRITE);
        }
        if (a.optional("nosync")) {
            flags |= MapFlags.DISABLE_SYNCER;
        }
        if (a.optional("stack")) {
            return number(space.stack(start, length, prot, maxProt, flags | MapFlags.STACK_GROWS_DOWN)
                    .code());
        }
        if (object != null) {
            object.reference();
        }
        KernReturn result = space.fixed(object, offset, start, length, prot, maxProt, flags);
        if (object != null && !result.ok()) {
            object.deallocate();
        }
        return number(result.code());
    }

    /** An operation on {@code [start, end)} of an address space. */
    private interface RangeAction {
        KernReturn run(AddressSpace space, long start, long end);
    }

    private JsonNode onRange(Arguments a, RangeAction action) {
        AddressSpace space = session.process(a).space();
        long start = PageSize.bytes(a.count("PAGE"));
        return number(action.run(space, start, start + PageSize.bytes(a.count("PAGES")))
                .code());
    }

    private JsonNode protect(Arguments a) {
        return onRange(a, (space, start, end) -> space.protect(start, end, a.prot("PROT")));
    }

    private JsonNode inherit(Arguments a) {
        return onRange(
                a,
                (space, start, end) -> space.inherit(
                        start,
                        end,
                        Inheritance.valueOf(a.choice("share", "copy", "none").toUpperCase(Locale.ROOT))));
    }

    private JsonNode madvise(Arguments a) {
        return onRange(a, (space, start, end) -> space.madvise(start, end, advice(a)));
    }

    private static Advice advice(Arguments a) {
        String word = a.choice("normal", "random", "seq", "willneed", "dontneed", "free", "nosync", "autosync");
        return word.equals("seq") ? Advice.SEQUENTIAL : Advice.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private JsonNode sync(Arguments a) {
        return onRange(a, (space, start, end) -> {
            boolean sync = a.flag("SYNC");
            return space.sync(start, end, sync, a.flag("INVALIDATE"));
        });
    }

    /** An access by a program. */
    private interface Access {
        long run(Cpu cpu, long address);
    }

    private JsonNode access(Process process, long page, Access access, boolean showValue) {
        Cpu cpu = session.cpu();
        long before = cpu.traps();
        try {
            long value = session.asUser(process, () -> access.run(cpu, PageSize.bytes(page)));
            JsonNode faults = number(cpu.traps() - before);
            return showValue ? array(faults, number(value)) : faults;
        } catch (MemoryFault fault) {
            return text("fault" + fault.reason().code());
        }
    }

    private JsonNode write(Arguments a) {
        Process process = session.process(a);
        long page = a.count("PAGE");
        long tag = a.number("TAG");
        int block = a.more() ? block(a) : -1;
        byte[] bytes = Tags.page(tag);
        return access(
                process,
                page,
                (cpu, address) -> {
                    if (block < 0) {
                        cpu.store(address, bytes, 0, PageSize.BYTES);
                    } else {
                        cpu.store(address + block * PageSize.BLOCK, bytes, 0, PageSize.BLOCK);
                    }
                    return 0;
                },
                false);
    }

    private JsonNode read(Arguments a) {
        Process process = session.process(a);
        long page = a.count("PAGE");
        int block = a.more() ? block(a) : 0;
        return access(
                process,
                page,
                (cpu, address) -> Tags.number(cpu.load(address + block * PageSize.BLOCK + Tags.LAST_WORD, Long.BYTES)),
                true);
    }

    private static int block(Arguments a) {
        int block = a.count("BLOCK");
        if (block >= Tags.BLOCKS) {
            throw new BadScript("block " + block + ": expected 0 to " + (Tags.BLOCKS - 1));
        }
        return block;
    }
}
