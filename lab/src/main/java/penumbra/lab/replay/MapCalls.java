// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.lab.model.ContentModel;
import penumbra.lab.model.ProcessModel;
import penumbra.lab.replay.ReplayFiles.OpenFile;
import penumbra.lab.trace.Call;
import penumbra.map.AddressSpace;
import penumbra.map.Inheritance;
import penumbra.map.MapEntry;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.vnode.Vnode;

/**
 * The table from Linux's memory calls, as recorded, to map operations, which it tells the content model as well.
 *
 * <table>
 * <caption>Linux's call and what becomes of it</caption>
 * <tr><td>brk, grown</td><td>insert of zero-filled memory behind the break; one object as long as neighbours
 *     allow</td></tr>
 * <tr><td>brk, shrunk</td><td>remove</td></tr>
 * <tr><td>mmap MAP_ANONYMOUS, MAP_PRIVATE</td><td>insert without object</td></tr>
 * <tr><td>mmap MAP_ANONYMOUS, MAP_SHARED</td><td>insert without object, INHERIT_SHARE</td></tr>
 * <tr><td>mmap of a file, MAP_PRIVATE</td><td>insert of the file's object, COPY_ON_WRITE, PREFAULT_PARTIAL</td></tr>
 * <tr><td>mmap of a file, MAP_SHARED</td><td>insert of the file's object, INHERIT_SHARE, PREFAULT_PARTIAL, and
 *     VN_WRITECOUNT when it may be written</td></tr>
 * <tr><td>mmap MAP_FIXED</td><td>remove first; without it the range must be free</td></tr>
 * <tr><td>mmap MAP_LOCKED, MAP_POPULATE</td><td>wire; a read fault on every page</td></tr>
 * <tr><td>mmap MAP_HUGETLB</td><td>stops the run</td></tr>
 * <tr><td>munmap</td><td>remove</td></tr>
 * <tr><td>mprotect</td><td>protect</td></tr>
 * <tr><td>mremap</td><td>move: the entry goes, its object stays</td></tr>
 * <tr><td>madvise 0 NORMAL, 1 RANDOM, 2 SEQUENTIAL, 3 WILLNEED</td><td>the same</td></tr>
 * <tr><td>madvise 4 DONTNEED</td><td>private memory: mapped anew, its contents are gone; shared: DONTNEED</td></tr>
 * <tr><td>madvise 8 FREE</td><td>FREE</td></tr>
 * <tr><td>madvise 10 DONTFORK, 11 DOFORK</td><td>inherit NONE; COPY, or SHARE for shared mappings</td></tr>
 * <tr><td>madvise 12 to 15 (merging, huge pages)</td><td>nothing: they change no contents</td></tr>
 * <tr><td>madvise 16 DONTDUMP, 17 DODUMP</td><td>NOCORE, CORE</td></tr>
 * <tr><td>madvise 20 COLD, 21 PAGEOUT</td><td>DONTNEED, which keeps contents in FreeBSD</td></tr>
 * <tr><td>madvise 22 POPULATE_READ, 23 POPULATE_WRITE</td><td>a fault on every page</td></tr>
 * <tr><td>madvise, any other</td><td>stops the run</td></tr>
 * <tr><td>msync MS_SYNC, MS_ASYNC, MS_INVALIDATE</td><td>sync, waiting or not, invalidating or not</td></tr>
 * <tr><td>mincore</td><td>mincore; its answer follows as a write by the kernel</td></tr>
 * <tr><td>mlock, munlock</td><td>wire and unwire for the user</td></tr>
 * </table>
 */
final class MapCalls {
    private static final int MAP_SHARED = 0x01;
    private static final int MAP_TYPE = 0x0f;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_FIXED = 0x10;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_LOCKED = 0x2000;
    private static final int MAP_POPULATE = 0x8000;
    private static final int MAP_HUGETLB = 0x4_0000;

    private static final int MS_ASYNC = 1;
    private static final int MS_INVALIDATE = 2;

    private final ContentModel contents;
    private final ReplayFiles files;
    private final AddressSpace space;
    private final ProcessModel model;
    private final AssumedMemory assumed;
    private long breakEnd;

    /** The calls of a process whose break is {@code breakEnd}, 0 while it is unknown. */
    MapCalls(
            ContentModel contents,
            ReplayFiles files,
            AddressSpace space,
            ProcessModel model,
            AssumedMemory assumed,
            long breakEnd) {
        this.contents = contents;
        this.files = files;
        this.space = space;
        this.model = model;
        this.assumed = assumed;
        this.breakEnd = breakEnd;
    }

    long breakEnd() {
        return breakEnd;
    }

    /** Panics the run, not the machine, unless a map operation succeeded. */
    static void require(KernReturn result, String what, long address) {
        if (!result.ok()) {
            throw new RunFailed(String.format("%s at %#x: %s, where the recording went on", what, address, result));
        }
    }

    private static void require(KernReturn result, Call call) {
        if (!result.ok()) {
            throw new RunFailed(call + ": " + result + ", where the recording went on");
        }
    }

    void mmap(Call.Mmap call) throws IOException {
        if (call.length() == 0) {
            throw new RunFailed(call + ": expected a length of at least 1");
        }
        if ((call.flags() & MAP_HUGETLB) != 0) {
            throw new RunFailed(call + ": huge pages are not mapped here");
        }
        long start = call.result();
        long end = start + PageSize.ceiling(call.length());
        if (assumed.overlaps(start, end)) {
            throw new RunFailed(call + ": falls on memory that was assumed to be the program's");
        }
        int prot = call.protection() & Prot.ALL;
        boolean shared = (call.flags() & MAP_TYPE) != MAP_PRIVATE && (call.flags() & MAP_SHARED) != 0;
        int flags = shared ? MapFlags.INHERIT_SHARE : 0;
        if ((call.flags() & MAP_FIXED) != 0) {
            require(space.remove(start, end), call);
        }
        assumed.unmapped(start, end);
        if ((call.flags() & MAP_ANONYMOUS) != 0) {
            require(space.insert(null, 0, start, end, prot, Prot.ALL, flags), call);
            if (shared) {
                model.mapShared(start, end - start, contents.sharedMemory(), 0);
            } else {
                model.mapZero(start, end - start);
            }
        } else {
            mapFile(call, start, end, prot, shared, flags);
        }
        if ((call.flags() & MAP_LOCKED) != 0) {
            require(space.wire(start, end, MapFlags.WIRE_USER), call);
        } else if ((call.flags() & MAP_POPULATE) != 0) {
            populate(start, end, Prot.READ);
        }
    }

    private void mapFile(Call.Mmap call, long start, long end, int prot, boolean shared, int flags) throws IOException {
        @Nullable String path = call.path();
        OpenFile file = files.open(path == null ? "(descriptor " + call.descriptor() + ")" : path);
        if (file.file().missing()) {
            files.extend(file, call.offset() + (end - start));
        }
        int how = flags | MapFlags.PREFAULT_PARTIAL;
        if (!shared) {
            how |= MapFlags.COPY_ON_WRITE;
        } else if ((prot & Prot.WRITE) != 0) {
            how |= MapFlags.VN_WRITECOUNT;
        }
        VmObject object = files.object(file);
        KernReturn result = space.insert(object, PageSize.index(call.offset()), start, end, prot, Prot.ALL, how);
        if (!result.ok()) {
            object.deallocate();
        }
        require(result, call);
        if (shared) {
            model.mapShared(start, end - start, file.content(), call.offset());
        } else {
            model.mapPrivate(start, end - start, file.content(), call.offset());
        }
    }

    private void populate(long start, long end, int access) {
        for (long address = start; address < end; address += PageSize.BYTES) {
            // Like Linux's, it is a hint: what cannot be had now is faulted in later.
            if (!space.fault(address, access, 0).ok()) {
                return;
            }
        }
    }

    void munmap(Call.Munmap call) throws IOException {
        long end = call.address() + PageSize.ceiling(call.length());
        assumed.named(call.address(), end);
        require(space.remove(call.address(), end), call);
        model.unmap(call.address(), end - call.address());
        assumed.unmapped(call.address(), end);
    }

    void mprotect(Call.Mprotect call) throws IOException {
        long end = call.address() + PageSize.ceiling(call.length());
        assumed.named(call.address(), end);
        require(space.protect(call.address(), end, call.protection() & Prot.ALL), call);
    }

    void mremap(Call.Mremap call) {
        long oldLength = PageSize.ceiling(call.oldLength());
        long newLength = PageSize.ceiling(call.newLength());
        if (oldLength == 0) {
            throw new RunFailed(call + ": an old length of 0 makes a second mapping, which is not replayed");
        }
        require(space.move(call.address(), oldLength, call.result(), newLength), call);
        model.move(call.address(), oldLength, call.result(), newLength);
    }

    void brk(Call.Brk call) {
        long now = call.result();
        if (breakEnd == 0) {
            assumed.breakAt(now);
            breakEnd = now;
            return;
        }
        long from = PageSize.ceiling(breakEnd);
        long to = PageSize.ceiling(now);
        if (to > from) {
            require(space.insert(null, 0, from, to, Prot.RW, Prot.ALL, 0), call);
            model.mapZero(from, to - from);
        } else if (to < from) {
            require(space.remove(to, from), call);
            model.unmap(to, from - to);
        }
        breakEnd = now;
    }

    void madvise(Call.Madvise call) {
        long start = call.address();
        long end = start + PageSize.ceiling(call.length());
        switch (call.advice()) {
            case 0 -> require(space.madvise(start, end, Advice.NORMAL), call);
            case 1 -> require(space.madvise(start, end, Advice.RANDOM), call);
            case 2 -> require(space.madvise(start, end, Advice.SEQUENTIAL), call);
            case 3 -> require(space.madvise(start, end, Advice.WILLNEED), call);
            case 4 -> dontNeed(call, start, end);
            case 8 -> {
                require(space.madvise(start, end, Advice.FREE), call);
                model.mayDiscard(start, end - start);
            }
            case 10 -> require(space.inherit(start, end, Inheritance.NONE), call);
            case 11 ->
                forEachPart(
                        start,
                        end,
                        part -> require(
                                space.inherit(
                                        part.start(), part.end(), part.shared() ? Inheritance.SHARE : Inheritance.COPY),
                                call));
            case 12, 13, 14, 15 -> {
                // Merging and huge pages change no contents.
            }
            case 16 -> require(space.madvise(start, end, Advice.NOCORE), call);
            case 17 -> require(space.madvise(start, end, Advice.CORE), call);
            case 20, 21 -> require(space.madvise(start, end, Advice.DONTNEED), call);
            case 22 -> populate(start, end, Prot.READ);
            case 23 -> populate(start, end, Prot.WRITE);
            default -> throw new RunFailed(call + ": no map operation is known for this advice");
        }
    }

    private void dontNeed(Call.Madvise call, long start, long end) {
        forEachPart(start, end, part -> {
            if (part.shared()) {
                require(space.madvise(part.start(), part.end(), Advice.DONTNEED), call);
                return;
            }
            @Nullable VmObject file = part.file();
            if (file != null) {
                file.reference();
            }
            require(
                    space.fixed(
                            file,
                            part.offset(),
                            part.start(),
                            part.end() - part.start(),
                            part.prot(),
                            Prot.ALL,
                            file == null ? 0 : MapFlags.COPY_ON_WRITE | MapFlags.PREFAULT_PARTIAL),
                    call);
        });
        model.discard(start, end - start);
    }

    /** A piece of one map entry: what it maps at the end of its chain. */
    private record Part(
            long start,
            long end,
            int prot,
            boolean shared,
            @Nullable VmObject file,
            long offset) {}

    private interface PartAction {
        void run(Part part);
    }

    private void forEachPart(long start, long end, PartAction action) {
        for (MapEntry entry : space.entries()) {
            long from = Math.max(start, entry.start());
            long to = Math.min(end, entry.end());
            if (from < to) {
                action.run(part(entry, from, to));
            }
        }
    }

    private static Part part(MapEntry entry, long from, long to) {
        boolean shared = entry.inheritance() == Inheritance.SHARE && !entry.copyOnWrite();
        long offset = entry.offset() + PageSize.index(from - entry.start());
        @Nullable VmObject object = entry.object();
        while (object != null && object.backing() != null) {
            offset += object.backingOffset();
            object = object.backing();
        }
        boolean file = object != null && object.type() == ObjectType.VNODE;
        return new Part(from, to, entry.prot(), shared, file ? object : null, file ? offset : 0);
    }

    void msync(Call.Msync call) {
        long end = call.address() + PageSize.ceiling(call.length());
        require(
                space.sync(call.address(), end, (call.flags() & MS_ASYNC) == 0, (call.flags() & MS_INVALIDATE) != 0),
                call);
    }

    void mincore(Call.Mincore call) {
        long end = call.address() + PageSize.ceiling(call.length());
        require(space.mincore(call.address(), end, new byte[(int) PageSize.index(end - call.address())]), call);
    }

    void mlock(Call.Mlock call) {
        require(
                space.wire(
                        PageSize.floor(call.address()),
                        PageSize.ceiling(call.address() + call.length()),
                        MapFlags.WIRE_USER),
                call);
    }

    void munlock(Call.Munlock call) {
        require(
                space.unwire(
                        PageSize.floor(call.address()),
                        PageSize.ceiling(call.address() + call.length()),
                        MapFlags.WIRE_USER),
                call);
    }

    /**
     * Extends a file whose page at {@code address} was refused because the host's file ends before it; returns whether
     * the access is worth another try.
     */
    boolean extendFileAt(long address) {
        for (MapEntry entry : space.entries()) {
            if (entry.start() <= address && address < entry.end()) {
                Part part = part(entry, PageSize.floor(address), PageSize.floor(address) + PageSize.BYTES);
                @Nullable VmObject object = part.file();
                if (object != null && part.offset() >= object.size() && object.handle() instanceof Vnode vnode) {
                    return files.extend(vnode, PageSize.bytes(part.offset() + 1));
                }
            }
        }
        return false;
    }
}
