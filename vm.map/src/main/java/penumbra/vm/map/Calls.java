// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.process.Errno;
import penumbra.process.Limit;
import penumbra.process.MemoryCalls;
import penumbra.process.OpenFile;
import penumbra.process.Placement;

/**
 * The system calls of one process: arguments are checked and rounded to pages here, limits compared, answers
 * translated.
 */
final class Calls implements MemoryCalls {
    private static final int MAP_KNOWN =
            MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_STACK | MAP_NOSYNC | MAP_ANON | MAP_NOCORE | MAP_PREFAULT_READ;

    private final Layers layers;
    private final Proc process;
    private final WiringRules wiring;

    Calls(Layers layers, Proc process, WiringRules wiring) {
        this.layers = layers;
        this.process = process;
        this.wiring = wiring;
    }

    private Space space() {
        return process.space();
    }

    /** Whether {@code [address, address + length)} wraps or leaves the space. */
    private boolean outside(long address, long length) {
        long end = address + length;
        return length < 0 || end < address || address < space().min() || end > space().max();
    }

    /** The end of the last page of {@code [address, address + length)}; negative when the range wraps. */
    private static long endOf(long address, long length) {
        long end = address + length;
        boolean wraps = address < 0 || length < 0 || end < address || end > Long.MAX_VALUE - PageSize.MASK;
        return wraps ? -1 : PageSize.ceiling(end);
    }

    // mmap

    @Override
    public Placement mmap(long address, long length, int prot, int flags, @Nullable OpenFile file, long offset) {
        int kind = (flags & MAP_STACK) != 0 ? flags | MAP_ANON : flags;
        long within = offset & PageSize.MASK;
        boolean fixed = (kind & MAP_FIXED) != 0;
        if (badKind(length, prot, kind, file, offset) || length > Long.MAX_VALUE - 2L * PageSize.BYTES) {
            return Placement.failed(Errno.EINVAL);
        }
        long size = PageSize.ceiling(length + within);
        if (fixed && ((address - within & PageSize.MASK) != 0 || outside(address - within, size))) {
            return Placement.failed(Errno.EINVAL);
        }
        if (offset > Long.MAX_VALUE - size) {
            return Placement.failed(Errno.EINVAL);
        }
        if (file != null && beyondOpening(prot, kind, file)) {
            return Placement.failed(Errno.EACCES);
        }
        if (beyondLimits(size)) {
            return Placement.failed(Errno.ENOMEM);
        }
        return fixed
                ? placedAt(address - within, size, prot, kind, file, offset)
                : placed(address, size, prot, kind, file, offset);
    }

    private static boolean badKind(long length, int prot, int kind, @Nullable OpenFile file, long offset) {
        int sharing = kind & (MAP_SHARED | MAP_PRIVATE);
        boolean anonymous = (kind & MAP_ANON) != 0;
        boolean stack = (kind & MAP_STACK) != 0;
        return length <= 0
                || offset < 0
                || (kind & ~MAP_KNOWN) != 0
                || (prot & ~Prot.ALL) != 0
                || sharing == (MAP_SHARED | MAP_PRIVATE)
                || (sharing == 0 && !stack)
                || anonymous != (file == null)
                || (anonymous && offset != 0)
                || (stack && (prot & Prot.RW) != Prot.RW);
    }

    private static boolean beyondOpening(int prot, int kind, OpenFile file) {
        boolean writes = (prot & Prot.WRITE) != 0 && (kind & MAP_SHARED) != 0;
        return ((prot & Prot.READ) != 0 && !file.readable()) || (writes && !file.writeable());
    }

    private boolean beyondLimits(long size) {
        Space space = space();
        return space.size() + size > process.limit(Limit.VMEM)
                || (space.wiresFuture() && wiredBytes(space) + size > process.limit(Limit.MEMLOCK));
    }

    private static long wiredBytes(Space space) {
        return PageSize.bytes(space.pmap().wiredCount());
    }

    /** Finds room from the hint on, or anywhere, and maps there. */
    private Placement placed(long hint, long size, int prot, int kind, @Nullable OpenFile file, long offset) {
        Space space = space();
        long from = Math.max(space.min(), endOf(hint, 0));
        Placement placement = Placement.failed(Errno.ENOMEM);
        boolean taken = true;
        while (taken) {
            long found = room(from, size, offset);
            if (found < 0) {
                return Placement.failed(Errno.ENOMEM);
            }
            KernReturn result = map(found, size, prot, kind, file, offset);
            // Somebody else may have mapped something there meanwhile.
            taken = result == KernReturn.NO_SPACE && space.findSpace(found, size) != found;
            placement = answer(result, found);
        }
        return placement;
    }

    /** Where there is room, so that large mappings fit if there is room for that, too; -1 when there is none. */
    private long room(long from, long size, long offset) {
        Space space = space();
        long found = space.findSpace(from, size);
        if (found < 0) {
            found = space.findSpace(space.min(), size);
        }
        if (found < 0) {
            return found;
        }
        long aligned = space.pmap().alignSuperpage(found, offset, size);
        return aligned != found && space.findSpace(aligned, size) == aligned ? aligned : found;
    }

    private Placement placedAt(long start, long size, int prot, int kind, @Nullable OpenFile file, long offset) {
        return answer(map(start, size, prot, kind, file, offset), start);
    }

    private static Placement answer(KernReturn result, long address) {
        return result.ok() ? new Placement(Errno.OK, address) : Placement.failed(mappingError(result));
    }

    private static Errno mappingError(KernReturn result) {
        return switch (result) {
            case SUCCESS -> Errno.OK;
            case INVALID_ADDRESS, NO_SPACE, RESOURCE_SHORTAGE -> Errno.ENOMEM;
            case PROTECTION_FAILURE -> Errno.EACCES;
            default -> Errno.EINVAL;
        };
    }

    private KernReturn map(long start, long size, int prot, int kind, @Nullable OpenFile file, long offset) {
        Space space = space();
        KernReturn result;
        if ((kind & MAP_STACK) != 0) {
            if ((kind & MAP_FIXED) != 0) {
                space.remove(start, start + size);
            }
            result = space.threadStack(start, size, prot, options(prot, kind, false));
        } else {
            @Nullable VmObject object = null;
            int maxProt = Prot.ALL;
            if (file != null) {
                maxProt = mostOf(kind, file);
                object = layers.pagers()
                        .allocate(
                                ObjectType.VNODE,
                                file.vnode(),
                                file.vnode().size(),
                                prot,
                                PageSize.floor(offset),
                                process.cred());
                if (object == null) {
                    return KernReturn.INVALID_ARGUMENT;
                }
            }
            int how = options(prot, kind, object != null);
            long pindex = PageSize.index(offset);
            result = (kind & MAP_FIXED) != 0
                    ? space.fixed(object, pindex, start, size, prot, maxProt, how)
                    : space.insert(object, pindex, start, start + size, prot, maxProt, how);
            if (object != null && !result.ok()) {
                object.deallocate();
            }
        }
        if (result.ok() && space.wiresFuture()) {
            int holes = (kind & MAP_STACK) != 0 ? MapFlags.WIRE_HOLESOK : 0;
            // A mapping whose pages cannot be had now stays, and is wired by nobody.
            space.wire(start, start + size, MapFlags.WIRE_USER | holes);
        }
        return result;
    }

    /** What a later mprotect may ask for. */
    private static int mostOf(int kind, OpenFile file) {
        int most = Prot.EXECUTE;
        if (file.readable()) {
            most |= Prot.READ;
        }
        if (file.writeable() || (kind & MAP_PRIVATE) != 0) {
            most |= Prot.WRITE;
        }
        return most;
    }

    private static int options(int prot, int kind, boolean file) {
        int options = 0;
        boolean shared = (kind & MAP_SHARED) != 0;
        if (shared) {
            options |= MapFlags.INHERIT_SHARE;
        }
        if (file) {
            options |= (kind & MAP_PREFAULT_READ) != 0 ? MapFlags.PREFAULT : MapFlags.PREFAULT_PARTIAL;
            if (!shared) {
                options |= MapFlags.COPY_ON_WRITE;
            } else if ((prot & Prot.WRITE) != 0) {
                options |= MapFlags.VN_WRITECOUNT;
            }
        }
        if ((kind & MAP_NOSYNC) != 0) {
            options |= MapFlags.DISABLE_SYNCER;
        }
        if ((kind & MAP_NOCORE) != 0) {
            options |= MapFlags.DISABLE_COREDUMP;
        }
        return options;
    }

    // The rest

    @Override
    public Errno munmap(long address, long length) {
        long start = PageSize.floor(address);
        long end = endOf(address, length);
        if (length == 0 || end < 0 || outside(start, end - start)) {
            return Errno.EINVAL;
        }
        return space().remove(start, end).ok() ? Errno.OK : Errno.EINVAL;
    }

    @Override
    public Errno mprotect(long address, long length, int prot) {
        long end = endOf(address, length);
        if (end < 0 || (prot & ~Prot.ALL) != 0) {
            return Errno.EINVAL;
        }
        return switch (space().protect(PageSize.floor(address), end, prot)) {
            case SUCCESS -> Errno.OK;
            case PROTECTION_FAILURE -> Errno.EACCES;
            case RESOURCE_SHORTAGE -> Errno.ENOMEM;
            default -> Errno.EINVAL;
        };
    }

    @Override
    public Errno minherit(long address, long length, int inheritance) {
        Inheritance[] known = Inheritance.values();
        long end = endOf(address, length);
        if (end < 0 || inheritance < 0 || inheritance >= known.length) {
            return Errno.EINVAL;
        }
        return space().inherit(PageSize.floor(address), end, known[inheritance]).ok() ? Errno.OK : Errno.EINVAL;
    }

    @Override
    public Errno madvise(long address, long length, int advice) {
        Advice[] known = Advice.values();
        if (advice < 0 || advice >= known.length || outside(address, length)) {
            return Errno.EINVAL;
        }
        KernReturn result = space().madvise(PageSize.floor(address), endOf(address, length), known[advice]);
        return result.ok() ? Errno.OK : Errno.EINVAL;
    }

    @Override
    public Errno msync(long address, long length, int flags) {
        long end = endOf(address, length);
        int both = MS_ASYNC | MS_INVALIDATE;
        if (end < 0 || (flags & ~both) != 0 || flags == both) {
            return Errno.EINVAL;
        }
        boolean wait = (flags & MS_ASYNC) == 0;
        return switch (space().sync(PageSize.floor(address), end, wait, (flags & MS_INVALIDATE) != 0)) {
            case SUCCESS -> Errno.OK;
            case INVALID_ADDRESS -> Errno.ENOMEM;
            case INVALID_ARGUMENT -> Errno.EBUSY;
            case FAILURE -> Errno.EIO;
            default -> Errno.EINVAL;
        };
    }

    @Override
    public Errno mincore(long address, long length, byte[] states) {
        long end = endOf(address, length);
        if (end < 0 || end > space().max()) {
            return Errno.ENOMEM;
        }
        return switch (space().mincore(PageSize.floor(address), end, states)) {
            case SUCCESS -> Errno.OK;
            case INVALID_ADDRESS -> Errno.ENOMEM;
            default -> Errno.EINVAL;
        };
    }

    @Override
    public Errno mlock(long address, long length) {
        long start = PageSize.floor(address);
        long end = endOf(address, length);
        if (end < 0) {
            return Errno.EINVAL;
        }
        long bytes = end - start;
        long most = wiring.maxPages();
        Space space = space();
        if (PageSize.index(bytes) > most || wiredBytes(space) + bytes > process.limit(Limit.MEMLOCK)) {
            return Errno.ENOMEM;
        }
        if (PageSize.index(bytes) + layers.pages().counts().wired() > most) {
            return Errno.EAGAIN;
        }
        return space.wire(start, end, MapFlags.WIRE_USER).ok() ? Errno.OK : Errno.ENOMEM;
    }

    @Override
    public Errno munlock(long address, long length) {
        long end = endOf(address, length);
        if (end < 0) {
            return Errno.EINVAL;
        }
        return space().unwire(PageSize.floor(address), end, MapFlags.WIRE_USER).ok() ? Errno.OK : Errno.ENOMEM;
    }

    @Override
    public Errno mlockall(int how) {
        if (how == 0 || (how & ~(MCL_CURRENT | MCL_FUTURE)) != 0) {
            return Errno.EINVAL;
        }
        Space space = space();
        boolean now = (how & MCL_CURRENT) != 0;
        if (now && space.size() > process.limit(Limit.MEMLOCK)) {
            return Errno.ENOMEM;
        }
        if ((how & MCL_FUTURE) != 0) {
            space.setWiresFuture(true);
        }
        if (!now) {
            return Errno.OK;
        }
        int all = MapFlags.WIRE_USER | MapFlags.WIRE_HOLESOK;
        return space.wire(space.min(), space.max(), all).ok() ? Errno.OK : Errno.EAGAIN;
    }

    @Override
    public Errno munlockall() {
        Space space = space();
        space.setWiresFuture(false);
        int all = MapFlags.WIRE_USER | MapFlags.WIRE_HOLESOK;
        return space.unwire(space.min(), space.max(), all).ok() ? Errno.OK : Errno.ENOMEM;
    }
}
