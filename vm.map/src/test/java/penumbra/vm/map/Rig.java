// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.MapEntry;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageDaemon;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;
import penumbra.pager.FilePager;
import penumbra.pager.ForwardingStore;
import penumbra.pager.PagerFlags;
import penumbra.pager.swap.FileStore;
import penumbra.process.Process;
import penumbra.vm.object.ObjectCheck;
import penumbra.vm.object.ObjectCore;
import penumbra.vm.page.PageSystem;
import penumbra.vm.pager.PagerLayer;
import penumbra.vm.pmap.PmapLayer;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** A machine up to its processes, wired by hand from the real modules; its invariants are checked as it is closed. */
final class Rig implements AutoCloseable {
    static final Cred USER = new Cred(1001);
    /** The first page that tests map, as a page number. */
    static final long BASE = 256;

    private static final int SWAP_PAGES = 2048;

    final FrameMemory memory;
    final SimMachine machine;
    final PmapLayer pmaps;
    final PageSystem pages;
    final PagerLayer pagers;
    final ObjectCore objects;
    final VnodeTable vnodes;
    final FilePager files;
    final ProcessTable table;
    final SwapAccounting accounting;

    private final FileStore store;
    private final Map<Vnode, byte[]> contents = new IdentityHashMap<>();
    private final List<VmObject> held = new ArrayList<>();

    /** What a wait for memory does in a stepped machine, and a wake-up of the daemon in a threaded one. */
    volatile Runnable daemon = () -> {};

    /** What happens, on the thread that reads, while swap is read. */
    volatile Runnable duringSwapRead = () -> {};

    /** Whether a test leaves the machine in a state that no invariant holds for; it is not taken down in order then. */
    boolean broken;

    private Rig(MachineSettings settings, int frames) {
        memory = new FrameMemory(MemoryLayout.ofFrames(frames));
        machine = new SimMachine(memory, settings);
        pmaps = new PmapLayer(machine, memory, new Amd64Mmu(), false);
        pages = new PageSystem(memory, machine, pmaps);
        pagers = new PagerLayer(machine, memory, pages);
        store = openStore();
        pagers.attach(new WatchedStore(store), 0);
        accounting = pagers.accounting();
        objects = new ObjectCore(machine, pmaps, pages, pagers.pagers(), pagers.swap(), accounting);
        pagers.pagers().setObjectFactory(objects);
        vnodes = new VnodeTable(machine, pagers.pagers(), VnodeTable.UNUSED_VNODES, VnodeTable.RETURN_WAIT_MS);
        files = new FilePager(memory, pages);
        pagers.add(files, 0);
        table = new ProcessTable(machine, pmaps, pages, objects, pagers.pagers(), pagers.swap(), accounting);
        pages.setDaemon(new Daemon());
    }

    /** The swap file, whose reads a test can do something during. */
    private final class WatchedStore extends ForwardingStore<FileStore> {
        WatchedStore(FileStore real) {
            super(real);
        }

        @Override
        public void read(long slot, ByteBuffer to) throws IOException {
            duringSwapRead.run();
            super.read(slot, to);
        }
    }

    private static FileStore openStore() {
        try {
            Path path = Files.createTempFile("penumbra-map-", ".swap");
            Files.delete(path);
            return FileStore.open("file", path, SWAP_PAGES, false, true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final class Daemon implements PageDaemon {
        @Override
        public void wakeup() {
            // Threaded tests run a daemon thread of their own where they need one.
        }

        @Override
        public void step(String waitMessage) {
            daemon.run();
        }
    }

    /** A stepped machine with the known defects mended. */
    static Rig corrected() {
        return new Rig(MachineSettings.stepped(Fidelity.CORRECTED), 4096);
    }

    /** A stepped machine that does what the original does. */
    static Rig original() {
        return new Rig(MachineSettings.stepped(Fidelity.ORIGINAL), 4096);
    }

    /** A stepped machine with little memory. */
    static Rig small(int frames) {
        return new Rig(MachineSettings.stepped(Fidelity.CORRECTED), frames);
    }

    /** A machine whose sleeps are real. */
    static Rig threaded(int cpus, int frames) {
        return new Rig(MachineSettings.threaded(cpus), frames);
    }

    Cpu cpu(int number) {
        return machine.cpus().get(number);
    }

    /** A new process with an empty space of the size that scripts use. */
    User user(String name) {
        return new User(this, cpu(0), table.create(name, USER, PageSize.BYTES, PageSize.bytes(0x40000)));
    }

    static long at(long page) {
        return PageSize.bytes(page);
    }

    // Files and objects

    Vnode file(int filePages) {
        HeapFile file = HeapFile.numbered(filePages);
        try {
            Vnode vnode = vnodes.wrap(file);
            contents.put(vnode, file.contents);
            return vnode;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What is in the file. */
    byte[] contents(Vnode file) {
        return contents.get(file);
    }

    /** The object of a file, with one more reference, which a mapping may take over. */
    VmObject objectOf(Vnode file) {
        VmObject present = file.object();
        if (present != null) {
            present.reference();
            return present;
        }
        VmObject made = pagers.pagers().allocate(ObjectType.VNODE, file, file.size(), Prot.READ | Prot.WRITE, 0, USER);
        if (made == null) {
            throw new IllegalStateException("no pager for files");
        }
        return made;
    }

    /** Notes a reference that the test keeps. */
    VmObject hold(VmObject object) {
        held.add(object);
        return object;
    }

    // Paging

    /** Writes the page out and frees it, so that the next access reads it. */
    void evict(VmObject object, long pindex) {
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        if (page == null) {
            throw new IllegalStateException("page " + pindex + " of " + object + " is not resident");
        }
        boolean gone = evictLocked(object, page);
        object.lock().unlock();
        assertThat(gone).as("page %d of %s evicted", pindex, object).isTrue();
    }

    /** Owner locked, dropped for the write. */
    private boolean evictLocked(VmObject object, Page page) {
        if (page.busied() || page.wireCount() != 0 || page.holdCount() != 0 || page.valid() != Page.ALL) {
            return false;
        }
        long pindex = page.pindex();
        pmaps.removeAll(page);
        page.testDirty();
        if (page.dirty() != 0) {
            objects.flush(object, new Page[] {page}, 1, PagerFlags.PUT_SYNC, 0, new PageoutFlush());
        }
        return object.pages().lookup(pindex) == page && page.tryToFree();
    }

    /** Takes up to {@code count} anonymous pages away from whoever has them, as a page daemon does. */
    int evictSome(int count) {
        int evicted = 0;
        for (QueueId id : List.of(QueueId.INACTIVE, QueueId.ACTIVE)) {
            PagingQueue.Cursor cursor = pages.queue(id).scan();
            Page page = cursor.next();
            while (page != null && evicted < count) {
                if (page.owner() instanceof VmObject object && object.lock().tryLock()) {
                    boolean fit = page.owner() == object && object.type().anonymous();
                    if (fit && evictLocked(object, page)) {
                        evicted++;
                    }
                    object.lock().unlock();
                }
                page = cursor.next();
            }
            cursor.close();
        }
        return evicted;
    }

    Page resident(VmObject object, long pindex) {
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        object.lock().unlock();
        if (page == null) {
            throw new IllegalStateException("page " + pindex + " of " + object + " is not resident");
        }
        return page;
    }

    boolean isResident(VmObject object, long pindex) {
        object.lock().lock();
        boolean resident = object.pages().lookup(pindex) != null;
        object.lock().unlock();
        return resident;
    }

    // Checks

    /** Everything that is wrong with the machine. */
    Violations violations() {
        Violations violations = new Violations();
        pages.check(violations);
        new ObjectCheck(objects, pagers.swap(), accounting).check(violations);
        pagers.check().check(violations);
        table.check(violations, List.of(new TestHolder(held)));
        return violations;
    }

    private record TestHolder(List<VmObject> held) implements Holder {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public int references(VmObject object) {
            return (int) held.stream().filter(one -> one == object).count();
        }
    }

    void assertSound() {
        assertThat(violations().messages()).isEmpty();
    }

    @Override
    public void close() {
        if (!broken) {
            assertSound();
            table.all().forEach(table::exit);
            assertSound();
            table.close();
            pagers.close();
            pages.close();
            pmaps.detach();
        }
        store.retire();
        store.close();
        memory.close();
    }

    /** A process as a test drives it: on one CPU, with page numbers for addresses. */
    static final class User {
        private final Rig rig;
        final Cpu cpu;
        final Process process;

        User(Rig rig, Cpu cpu, Process process) {
            this.rig = rig;
            this.cpu = cpu;
            this.process = process;
        }

        /** The same process on another CPU. */
        User on(int number) {
            return new User(rig, rig.cpu(number), process);
        }

        Space space() {
            return (Space) process.space();
        }

        User fork(String name) {
            Process child = rig.table.fork(process, name);
            if (child == null) {
                throw new IllegalStateException("no swap for " + name);
            }
            return new User(rig, cpu, child);
        }

        void exit() {
            rig.table.exit(process);
        }

        // Mapping; everything in pages

        KernReturn map(long page, long count, int prot, int flags) {
            return space().insert(null, 0, at(page), at(page + count), prot, Prot.ALL, flags);
        }

        /** Maps private anonymous memory to read and write. */
        void mapPrivate(long page, long count) {
            assertThat(map(page, count, Prot.RW, 0)).isEqualTo(KernReturn.SUCCESS);
        }

        void mapShared(long page, long count) {
            assertThat(map(page, count, Prot.RW, MapFlags.INHERIT_SHARE)).isEqualTo(KernReturn.SUCCESS);
        }

        void mapFile(Vnode file, long offset, long page, long count, int prot, boolean privately) {
            int flags = privately ? MapFlags.COPY_ON_WRITE : MapFlags.INHERIT_SHARE;
            KernReturn result =
                    space().insert(rig.objectOf(file), offset, at(page), at(page + count), prot, Prot.ALL, flags);
            assertThat(result).isEqualTo(KernReturn.SUCCESS);
        }

        void unmap(long page, long count) {
            assertThat(space().remove(at(page), at(page + count))).isEqualTo(KernReturn.SUCCESS);
        }

        KernReturn protect(long page, long count, int prot) {
            return space().protect(at(page), at(page + count), prot);
        }

        KernReturn wire(long page, long count) {
            return space().wire(at(page), at(page + count), MapFlags.WIRE_USER);
        }

        KernReturn unwire(long page, long count) {
            return space().unwire(at(page), at(page + count), MapFlags.WIRE_USER);
        }

        MapEntry entry(long page) {
            return space().entries().stream()
                    .filter(entry -> entry.start() <= at(page) && at(page) < entry.end())
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("nothing is mapped at page " + page));
        }

        VmObject object(long page) {
            VmObject object = entry(page).object();
            if (object == null) {
                throw new IllegalStateException("no object at page " + page);
            }
            return object;
        }

        /** The entries as {@code start+pages}. */
        List<String> layout() {
            return space().entries().stream()
                    .map(entry -> PageSize.index(entry.start()) + "+" + PageSize.index(entry.end() - entry.start()))
                    .toList();
        }

        /** The pages that are mapped, as {@code page} or {@code page:w} when writeable. */
        List<String> mapped() {
            List<String> list = new ArrayList<>();
            space().pmap()
                    .forEach((page, frame, prot, attributes) ->
                            list.add((prot & Prot.WRITE) != 0 ? page + ":w" : "" + page));
            return list;
        }

        // Access

        long read(long page) {
            return asUser(() -> cpu.load(at(page), Long.BYTES));
        }

        void write(long page, long value) {
            asUser(() -> {
                cpu.store(at(page), Long.BYTES, value);
                return 0L;
            });
        }

        void writeByte(long address, int value) {
            asUser(() -> {
                cpu.store(address, 1, value);
                return 0L;
            });
        }

        int readByte(long address) {
            return (int) asUser(() -> cpu.load(address, 1)).longValue();
        }

        /** What an access of the kind answers: SUCCESS, or why it is refused. */
        KernReturn touch(long page, int access) {
            try {
                if (access == Prot.WRITE) {
                    write(page, 1);
                } else if (access == Prot.EXECUTE) {
                    asUser(() -> cpu.fetch(at(page), 1));
                } else {
                    read(page);
                }
                return KernReturn.SUCCESS;
            } catch (MemoryFault refused) {
                return refused.reason();
            }
        }

        private <T> T asUser(Supplier<T> access) {
            if (cpu.active() != space().pmap() || rig.runs(cpu) != process) {
                rig.table.run(cpu, process);
            }
            cpu.enterUser();
            try {
                return access.get();
            } finally {
                cpu.leaveUser();
            }
        }
    }

    @Nullable
    Process runs(Cpu cpu) {
        return table.running(cpu);
    }
}
