// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.DmaEngine;
import penumbra.hw.sim.FrameBuffer;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageDaemon;
import penumbra.pager.Pager;
import penumbra.process.Process;
import penumbra.vm.map.ProcessTable;
import penumbra.vm.object.ObjectCheck;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;

/** A machine with devices and processes, wired by hand; when it is closed, everything holds and no page is missing. */
final class DeviceMachine implements AutoCloseable {
    private static final int FRAMES = 1024;

    final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
    final SimMachine machine;
    final PmapLayer pmaps;
    final PageSystem pages;
    final PagerLayer pagers;
    final ObjectCore objects;
    final ProcessTable processes;
    final FrameBuffer screen;
    final DmaEngine engine;
    private final List<VmObject> held = new ArrayList<>();

    private DeviceMachine(MachineSettings settings, @Nullable ObjectType without, boolean optimised) {
        machine = new SimMachine(memory, settings);
        pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), optimised);
        pages = pagesFullOfGarbage();
        pagers = new PagerLayer(machine, memory, pages);
        objects = new ObjectCore(machine, pmaps, pages, pagers.pagers(), pagers.swap(), pagers.accounting());
        pagers.pagers().setObjectFactory(objects);
        processes =
                new ProcessTable(machine, pmaps, pages, objects, pagers.pagers(), pagers.swap(), pagers.accounting());
        screen = (FrameBuffer) machine.devices().get(0);
        engine = (DmaEngine) machine.devices().get(1);
        allPagers().filter(pager -> pager.type() != without).forEach(pager -> pagers.add(pager, 0));
    }

    static DeviceMachine stepped(Fidelity fidelity) {
        return new DeviceMachine(MachineSettings.stepped(fidelity), null, false);
    }

    static DeviceMachine threaded(int cpus) {
        return new DeviceMachine(MachineSettings.threaded(cpus), null, false);
    }

    /** A machine that maps 2 MiB at a time where it can. */
    static DeviceMachine optimised() {
        return new DeviceMachine(MachineSettings.stepped(Fidelity.CORRECTED), null, true);
    }

    /** A machine that lacks the pager of one type. */
    static DeviceMachine threadedWithout(ObjectType type) {
        return new DeviceMachine(MachineSettings.threaded(1), type, false);
    }

    /** Pages whose frames hold what must never be seen. */
    private PageSystem pagesFullOfGarbage() {
        PageSystem system = new PageSystem(memory, machine, pmaps);
        system.setFillFreedPages(true);
        List<Page> all = new ArrayList<>();
        Page page;
        while ((page = system.allocUnowned(Alloc.NOOBJ | Alloc.INTERRUPT)) != null) {
            all.add(page);
        }
        all.forEach(system::free);
        system.setDaemon(new PageDaemon() {
            @Override
            public void wakeup() {
                // Memory is never short here.
            }

            @Override
            public void step(String waitMessage) {
                throw new IllegalStateException("memory is short: " + waitMessage);
            }
        });
        return system;
    }

    /** New pagers of every type in this module. */
    Stream<Pager> allPagers() {
        return Stream.of(
                new DevicePager(machine, pages),
                new ManagedDevicePager(machine, pages),
                new ScatterPager(machine, pages),
                new PhysPager(pages));
    }

    /** Does what a pager is asked to do; null when it refuses. */
    @Nullable
    VmObject tryAllocate(ObjectType type, @Nullable Object handle, long bytes, int prot, long offset) {
        return pagers.pagers().allocate(type, handle, bytes, prot, offset, null);
    }

    /** The object of a handle, with one more reference. */
    VmObject allocate(ObjectType type, @Nullable Object handle, long pageCount) {
        return Objects.requireNonNull(tryAllocate(type, handle, PageSize.bytes(pageCount), Prot.RW, 0));
    }

    /** What stands for memory of {@code type}: the screen, the engine's list, or any name. */
    Object handle(ObjectType type) {
        return switch (type) {
            case SG -> engine.transferMemory();
            case PHYS -> "shared memory";
            default -> screen;
        };
    }

    /** Notes a reference that the test keeps. */
    VmObject hold(VmObject object) {
        held.add(object);
        return object;
    }

    void letGo(VmObject object) {
        held.remove(object);
        object.deallocate();
    }

    /** The page; null when it is not resident. */
    @Nullable
    Page resident(VmObject object, long pindex) {
        object.lock().lock();
        try {
            return object.pages().lookup(pindex);
        } finally {
            object.lock().unlock();
        }
    }

    Page page(VmObject object, long pindex) {
        return Objects.requireNonNull(resident(object, pindex));
    }

    User user(String name) {
        return user(name, 0);
    }

    User user(String name, int cpu) {
        return new User(processes.create(name, new Cred(1001)), machine.cpus().get(cpu));
    }

    /** A process on a CPU; addresses are in pages and bytes. */
    final class User {
        final Process process;
        private final Cpu cpu;

        private User(Process process, Cpu cpu) {
            this.process = process;
            this.cpu = cpu;
        }

        /** Maps pages of {@code object} from {@code offset} on, taking over a reference. */
        void map(VmObject object, long offset, long page, long pageCount, boolean shared) {
            mapWith(object, offset, page, pageCount, shared ? MapFlags.INHERIT_SHARE : MapFlags.COPY_ON_WRITE);
        }

        /** The same with options of {@link MapFlags}. */
        void mapWith(VmObject object, long offset, long page, long pageCount, int options) {
            KernReturn result = process.space()
                    .insert(
                            object,
                            offset,
                            PageSize.bytes(page),
                            PageSize.bytes(page + pageCount),
                            Prot.RW,
                            Prot.RW,
                            options);
            assertThat(result).isEqualTo(KernReturn.SUCCESS);
        }

        void unmap(long page, long pageCount) {
            assertThat(process.space().remove(PageSize.bytes(page), PageSize.bytes(page + pageCount)))
                    .isEqualTo(KernReturn.SUCCESS);
        }

        KernReturn msync(long page, long pageCount, boolean invalidate) {
            return process.space().sync(PageSize.bytes(page), PageSize.bytes(page + pageCount), true, invalidate);
        }

        KernReturn mlock(long page, long pageCount) {
            return process.space().wire(PageSize.bytes(page), PageSize.bytes(page + pageCount), MapFlags.WIRE_USER);
        }

        KernReturn munlock(long page, long pageCount) {
            return process.space().unwire(PageSize.bytes(page), PageSize.bytes(page + pageCount), MapFlags.WIRE_USER);
        }

        void store(long page, int offset, long value) {
            run(() -> cpu.store(PageSize.bytes(page) + offset, Long.BYTES, value));
        }

        long load(long page, int offset) {
            long[] value = new long[1];
            run(() -> value[0] = cpu.load(PageSize.bytes(page) + offset, Long.BYTES));
            return value[0];
        }

        /** How the kernel refuses a load. */
        KernReturn refusal(long page) {
            try {
                load(page, 0);
                return KernReturn.SUCCESS;
            } catch (MemoryFault fault) {
                return fault.reason();
            }
        }

        private void run(Runnable access) {
            processes.run(cpu, process);
            cpu.enterUser();
            try {
                access.run();
            } finally {
                cpu.leaveUser();
            }
        }

        User fork(String name) {
            return new User(Objects.requireNonNull(processes.fork(process, name)), cpu);
        }

        void exit() {
            processes.exit(process);
        }
    }

    /** Everything that must hold at rest. */
    void check() {
        Violations violations = new Violations();
        pages.check(violations, List.of());
        pagers.check().check(violations);
        new ObjectCheck(objects, pagers.swap(), pagers.accounting()).check(violations, List.of());
        processes.check(violations, List.of(new Holder() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public int references(VmObject object) {
                return (int) held.stream().filter(one -> one == object).count();
            }
        }));
        assertThat(violations.messages()).isEmpty();
    }

    @Override
    public void close() {
        check();
        processes.all().forEach(processes::exit);
        List.copyOf(held).forEach(this::letGo);
        check();
        assertThat(pages.counts().free() + pages.counts().cache())
                .as("no page is missing in the end")
                .isEqualTo(FRAMES);
        processes.close();
        pagers.close();
        pages.close();
        pmaps.detach();
        memory.close();
    }
}
