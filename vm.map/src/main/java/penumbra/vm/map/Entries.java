// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapFlags;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.vnode.Vnode;

/**
 * The entries of one space and the steps that all map operations are made of: insert, simplify, clip, delete.
 *
 * <p>Every method needs the space's lock. Nothing is deallocated that could be the last reference: such entries wait in
 * a list until the lock is released, since ending a file's object takes the vnode lock.
 */
final class Entries extends Apart {
    /** What a new entry reads ahead ({@code VM_FAULT_READ_AHEAD_INIT}): 64 KiB with the page itself. */
    static final int READ_AHEAD_INIT = 15;

    /** An object with more resident pages than this is not mapped at once for a while ({@code MAX_INIT_PT}). */
    private static final int MAX_PREFAULT = 96;

    private static final int STACK = MapFlags.STACK_GROWS_DOWN | MapFlags.STACK_GROWS_UP;

    private final Layers layers;
    private final EntryTree tree;
    private final Pmap pmap;
    private final Cred cred;
    private final boolean system;
    private final long min;
    private final long max;

    private long size;
    private @Nullable Entry deferred;

    /**
     * No entries.
     *
     * @param system whether this is the kernel's: no objects come into being by themselves then
     */
    Entries(Layers layers, Pmap pmap, Cred cred, long min, long max, boolean system) {
        this.layers = layers;
        this.pmap = pmap;
        this.cred = cred;
        this.system = system;
        this.min = min;
        this.max = max;
        this.tree = new EntryTree(min, max);
    }

    EntryTree tree() {
        return tree;
    }

    /** Bytes mapped. */
    long size() {
        return size;
    }

    boolean system() {
        return system;
    }

    // Insert

    /** Maps; see {@link penumbra.map.AddressSpace#insert}. */
    KernReturn insert(
            @Nullable VmObject object, long offset, long start, long end, int prot, int maxProt, int options) {
        if (start < min || end > max || start >= end) {
            return KernReturn.INVALID_ADDRESS;
        }
        Entry previous = tree.floor(start);
        Entry behind = tree.after(previous);
        if ((previous != null && previous.end > start) || (behind != null && behind.start < end)) {
            return KernReturn.NO_SPACE;
        }
        Entry entry = new Entry(start, end);
        entry.object = object;
        entry.offset = offset;
        entry.prot = prot;
        entry.maxProt = maxProt;
        entry.flags = flagsOf(options);
        entry.inheritance = (options & MapFlags.INHERIT_SHARE) != 0 ? Inheritance.SHARE : Inheritance.COPY;
        entry.readAhead = READ_AHEAD_INIT;
        if (!charge(entry, options)) {
            return KernReturn.RESOURCE_SHORTAGE;
        }
        if (object != null) {
            noteFurtherMapping(object);
        } else if (previous != null && (options & STACK) == 0 && extend(previous, entry)) {
            if (previous.prot == prot && previous.maxProt == maxProt && previous.inheritance == entry.inheritance) {
                extendEnd(previous, end - start);
                simplify(previous);
                return KernReturn.SUCCESS;
            }
            shareObjectOf(previous, entry);
        }
        entry.nextRead = entry.offset;
        link(previous, entry);
        countWriter(entry);
        if ((options & STACK) == 0) {
            simplify(entry);
        }
        if ((options & (MapFlags.PREFAULT | MapFlags.PREFAULT_PARTIAL)) != 0 && object != null) {
            mapResident(start, end, entry.mappable(), object, offset, options & MapFlags.PREFAULT_PARTIAL);
        }
        return KernReturn.SUCCESS;
    }

    private static int flagsOf(int options) {
        int flags = 0;
        if ((options & MapFlags.COPY_ON_WRITE) != 0) {
            flags |= Entry.COW | Entry.NEEDS_COPY;
        }
        if ((options & MapFlags.NOFAULT) != 0) {
            flags |= Entry.NOFAULT;
        }
        if ((options & MapFlags.DISABLE_SYNCER) != 0) {
            flags |= Entry.NOSYNC;
        }
        if ((options & MapFlags.DISABLE_COREDUMP) != 0) {
            flags |= Entry.NOCOREDUMP;
        }
        if ((options & MapFlags.VN_WRITECOUNT) != 0) {
            flags |= Entry.VN_WRITECOUNT;
        }
        return flags;
    }

    /** Reserves the swap that the new entry may need; false when it cannot be had. */
    private boolean charge(Entry entry, int options) {
        if ((options & (MapFlags.ACC_NO_CHARGE | MapFlags.NOFAULT)) != 0) {
            return true;
        }
        boolean paid = (options & MapFlags.ACC_CHARGED) != 0;
        boolean owed = (entry.prot & Prot.WRITE) != 0 && (entry.object == null || entry.has(Entry.NEEDS_COPY));
        if (!paid && !owed) {
            return true;
        }
        if (!paid && !layers.accounting().reserve(entry.length(), cred)) {
            return false;
        }
        entry.cred = cred;
        return true;
    }

    /**
     * An object that is mapped a second time has no longer one mapping a page, for all that can be known: references
     * count whole objects.
     */
    private static void noteFurtherMapping(VmObject object) {
        object.lock().lock();
        if (object.refCount() > 1 || object.shadowCount() != 0) {
            object.clearFlag(ObjectFlags.ONEMAPPING);
        }
        object.lock().unlock();
    }

    /** Whether the object of {@code previous} was extended to cover the new anonymous {@code entry} right behind it. */
    private static boolean extend(Entry previous, Entry entry) {
        if (previous.end != entry.start || previous.flags != entry.flags || previous.wired != 0) {
            return false;
        }
        VmObject object = previous.object;
        if (object == null) {
            return Objects.equals(previous.cred, entry.cred);
        }
        boolean samePayer = Objects.equals(previous.cred, entry.cred) || Objects.equals(object.cred(), entry.cred);
        boolean reserved = entry.cred != null && !entry.has(Entry.NEEDS_COPY);
        return samePayer && object.coalesce(previous.offset, previous.pages(), entry.pages(), reserved);
    }

    /** Gives {@code entry} the extended object of {@code previous}, which may have taken over its charge. */
    private static void shareObjectOf(Entry previous, Entry entry) {
        VmObject object = previous.object;
        entry.object = object;
        entry.offset = previous.offset + previous.pages();
        if (object != null) {
            object.reference();
            if (object.cred() != null && !previous.has(Entry.NEEDS_COPY)) {
                entry.cred = null;
            }
        }
    }

    /** Puts an entry into the space and counts its bytes. */
    void link(@Nullable Entry previous, Entry entry) {
        tree.link(previous, entry);
        size += entry.length();
    }

    /** Makes an entry longer; nothing is mapped behind it. */
    void extendEnd(Entry entry, long bytes) {
        entry.end += bytes;
        size += bytes;
        tree.resized(entry);
    }

    /** Counts a mapping that may write to its file. */
    static void countWriter(Entry entry) {
        VmObject object = entry.object;
        if (entry.has(Entry.VN_WRITECOUNT) && object != null && object.handle() instanceof Vnode vnode) {
            vnode.addWriteMapping(object, entry.length());
        }
    }

    /**
     * Maps the valid resident pages of {@code object} from {@code pindex} on over {@code [start, end)}, where that
     * needs no table page; all pages of a device if large mappings do ({@code vm_map_pmap_enter}).
     *
     * @param options {@code PREFAULT_} bits of {@link MapFlags}
     */
    void mapResident(long start, long end, int prot, VmObject object, long pindex, int options) {
        if ((prot & (Prot.READ | Prot.EXECUTE)) == 0) {
            return;
        }
        object.lock().lock();
        long pages = Math.min(PageSize.index(end - start), object.size() - pindex);
        boolean device = object.type() == ObjectType.DEVICE || object.type() == ObjectType.SG;
        boolean tooMany = (options & MapFlags.PREFAULT_PARTIAL) != 0
                && pages > MAX_PREFAULT
                && object.pages().count() > MAX_PREFAULT;
        if (device) {
            mapDevice(start, pages, prot, object, pindex);
        } else if (!tooMany) {
            mapRuns(start, pages, prot, object, pindex, (options & MapFlags.PREFAULT_MADVISE) != 0);
        }
        object.lock().unlock();
    }

    /** Brings all pages of the range in and maps them, if large mappings do. */
    private void mapDevice(long start, long pages, int prot, VmObject object, long pindex) {
        int large = pmap.largeSize();
        boolean fits = large > 1 && pages > 0 && pages % large == 0 && PageSize.index(start) % large == 0;
        if (fits && object.populate(pindex, pindex + pages)) {
            List<Page> all = new ArrayList<>();
            for (Page page = object.pages().findLeast(pindex);
                    page != null && all.size() < pages && page.pindex() == pindex + all.size();
                    page = object.pages().after(page)) {
                all.add(page);
            }
            if (all.size() == pages) {
                pmap.initObject(start, all, prot);
            }
        }
    }

    /** Maps what is resident of the range, as many neighbours at a time as there are. */
    private void mapRuns(long start, long pages, int prot, VmObject object, long pindex, boolean sparing) {
        List<Page> run = new ArrayList<>();
        Page page = pages > 0 ? object.pages().findLeast(pindex) : null;
        while (page != null && page.pindex() < pindex + pages && !(sparing && memoryIsShort())) {
            boolean fit = page.valid() == Page.ALL && !page.xbusied();
            boolean next = !run.isEmpty() && page.pindex() == run.get(0).pindex() + run.size();
            if (!fit || !next) {
                mapRun(run, start, pindex, prot);
            }
            if (fit) {
                run.add(page);
            }
            page = object.pages().after(page);
        }
        mapRun(run, start, pindex, prot);
    }

    private boolean memoryIsShort() {
        return layers.pages().counts().free() < layers.pages().limits().freeReserved();
    }

    private void mapRun(List<Page> run, long start, long pindex, int prot) {
        if (!run.isEmpty()) {
            pmap.enterObject(start + PageSize.bytes(run.get(0).pindex() - pindex), run, prot);
            run.clear();
        }
    }

    // Simplify and clip

    /**
     * Merges {@code entry} with its neighbours where nothing tells them apart; it is {@code entry} that stays
     * ({@code vm_map_simplify_entry}).
     */
    void simplify(Entry entry) {
        if (entry.has(Entry.IN_TRANSITION | Entry.SUBMAP)) {
            return;
        }
        Entry previous = entry.previous;
        if (previous != null && mergeable(previous, entry)) {
            tree.unlink(previous);
            entry.start = previous.start;
            entry.offset = previous.offset;
            tree.resized(entry);
            dropReference(previous);
        }
        Entry next = entry.next;
        if (next != null && mergeable(entry, next)) {
            tree.unlink(next);
            entry.end = next.end;
            tree.resized(entry);
            dropReference(next);
        }
    }

    private static boolean mergeable(Entry low, Entry high) {
        return low.end == high.start
                && low.sameTerms(high)
                && (low.object == null || low.offset + low.pages() == high.offset);
    }

    /** The other entry keeps the object, so that this is not the last reference. */
    private static void dropReference(Entry merged) {
        if (merged.object != null) {
            merged.object.deallocate();
        }
    }

    /**
     * Makes {@code entry}, which contains {@code address}, start there; a new entry gets what is before
     * ({@code vm_map_clip_start}).
     */
    void clipStart(Entry entry, long address) {
        if (address <= entry.start) {
            return;
        }
        simplify(entry);
        settleObject(entry);
        Entry front = new Entry(entry);
        front.end = address;
        entry.offset += PageSize.index(address - entry.start);
        entry.start = address;
        tree.link(entry.previous, front);
        if (front.object != null) {
            front.object.reference();
        }
    }

    /**
     * Makes {@code entry} end at {@code address} if it ends behind; a new entry gets the rest ({@code
     * vm_map_clip_end}).
     */
    void clipEnd(Entry entry, long address) {
        if (address >= entry.end) {
            return;
        }
        settleObject(entry);
        Entry rest = new Entry(entry);
        rest.start = address;
        rest.offset += PageSize.index(address - entry.start);
        entry.end = address;
        tree.link(entry, rest);
        if (rest.object != null) {
            rest.object.reference();
        }
    }

    /**
     * Gives the entry an object before it is cut, so that the parts have one between them, and its charge to that
     * object.
     */
    private void settleObject(Entry entry) {
        if (entry.has(Entry.SUBMAP)) {
            return;
        }
        if (entry.object == null) {
            if (!system) {
                giveObject(entry);
            }
        } else if (!entry.has(Entry.NEEDS_COPY)) {
            moveCharge(entry, entry.object);
        }
    }

    /** Gives an entry that has none a new anonymous object, and its charge to that. */
    VmObject giveObject(Entry entry) {
        VmObject object = layers.objects().allocate(ObjectType.DEFAULT, entry.pages());
        entry.object = object;
        entry.offset = 0;
        moveCharge(entry, object);
        return object;
    }

    /** Lets {@code object}, which has not been charged, carry the entry's charge. */
    static void moveCharge(Entry entry, VmObject object) {
        if (entry.cred == null) {
            return;
        }
        object.lock().lock();
        moveChargeLocked(entry, object);
        object.lock().unlock();
    }

    /** Like {@link #moveCharge}, with the object's lock held. */
    static void moveChargeLocked(Entry entry, VmObject object) {
        if (entry.cred != null) {
            object.setCharge(entry.cred, entry.length());
            entry.cred = null;
        }
    }

    /** Makes an entry start at {@code address} if one contains it; the first entry that ends behind {@code address}. */
    @Nullable
    Entry clippedFrom(long address) {
        Entry entry = tree.from(address);
        if (entry != null) {
            clipStart(entry, address);
        }
        return entry;
    }

    // Delete

    /** Takes an unwired entry, whose mappings are gone, out of the space ({@code vm_map_entry_delete}). */
    void delete(Entry entry) {
        tree.unlink(entry);
        size -= entry.length();
        if (entry.cred != null) {
            layers.accounting().release(entry.length(), entry.cred);
            entry.cred = null;
        }
        VmObject object = entry.object;
        if (object != null) {
            object.lock().lock();
            if (object.refCount() != 1 && ownPages(object)) {
                discard(object, entry.offset, entry.pages());
            }
            object.lock().unlock();
            defer(entry);
        }
    }

    /** Whether each page of the object belongs to one mapping, so that it can go with the mapping. */
    private boolean ownPages(VmObject object) {
        return (object.has(ObjectFlags.ONEMAPPING) && !object.has(ObjectFlags.NOSPLIT))
                || object == layers.objects().kernelObject()
                || object == layers.objects().kmemObject();
    }

    /**
     * Frees pages and swap of a part of a shared object that nobody maps any more, and its charge if that is the tail.
     */
    private void discard(VmObject object, long start, long count) {
        object.collapse();
        object.pageRemove(start, start + count, ObjectFlags.REMOVE_NOTMAPPED);
        if (object.type() == ObjectType.SWAP) {
            layers.swap().freeSpace(object, start, count);
        }
        long pages = object.size();
        if (start + count >= pages && start < pages) {
            object.setSize(start);
            Cred payer = object.cred();
            if (payer != null) {
                long bytes = PageSize.bytes(pages - start);
                layers.accounting().release(bytes, payer);
                object.setCharge(payer, object.charge() - bytes);
            }
        }
    }

    /** Keeps an unlinked entry until its object's reference can be dropped. */
    void defer(Entry entry) {
        entry.next = deferred;
        deferred = entry;
    }

    /** Hands over the entries whose references are to be dropped without the lock, linked by {@link Entry#next}. */
    @Nullable
    Entry takeDeferred() {
        Entry entry = deferred;
        deferred = null;
        return entry;
    }

    /** Drops what deferred entries refer to. The space's lock is not held. */
    static void release(@Nullable Entry deferred) {
        Entry entry = deferred;
        while (entry != null) {
            VmObject object = entry.object;
            if (object != null) {
                if (entry.has(Entry.VN_WRITECOUNT) && object.handle() instanceof Vnode vnode) {
                    vnode.removeWriteMapping(object, entry.length());
                }
                object.deallocate();
            }
            entry = entry.next;
        }
    }
}
