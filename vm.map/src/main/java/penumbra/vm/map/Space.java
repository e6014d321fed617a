// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.map.AddressSpace;
import penumbra.map.FaultCounts;
import penumbra.map.Inheritance;
import penumbra.map.MapEntry;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.process.Limit;

/**
 * The address space of a process or of the kernel.
 *
 * <p>One exclusive lock guards the entries. {@link #lock} is for those who change them and advances {@link #version};
 * {@link #lockShared} is for those who do not, faults above all, which drop the lock for I/O and compare versions
 * afterwards. Two spaces share nothing but what they map.
 */
final class Space implements AddressSpace {
    private final Layers layers;
    private final KernelLock lock = new KernelLock(LockRank.ADDRESS_SPACE, "vm map");
    private final Entries entries;
    private final EntryTree tree;
    private final Pmap pmap;
    private final Cred cred;
    private final StackRules stackRules;
    private final FaultTally faults = new FaultTally();
    private final long min;
    private final long max;

    private long version;
    private int busy;
    private int users;
    /** The process that faults made by calls on the space are made for. */
    private volatile @Nullable Proc owner;

    /** Whether what is mapped from now on is wired ({@code MAP_WIREFUTURE}). */
    private volatile boolean wiresFuture;

    private final StackSize stackSize = new StackSize();

    /**
     * An empty space.
     *
     * @param pmap where it is mapped; shared by the kernel's spaces
     * @param cred who pays for it
     * @param system whether it is the kernel's
     */
    Space(Layers layers, Pmap pmap, Cred cred, long min, long max, boolean system, StackRules stackRules) {
        this.layers = layers;
        this.pmap = pmap;
        this.cred = cred;
        this.min = min;
        this.max = max;
        this.stackRules = stackRules;
        this.entries = new Entries(layers, pmap, cred, min, max, system);
        this.tree = entries.tree();
    }

    // Locking

    /** Takes the lock to change entries. */
    void lock() {
        lock.lock();
        version++;
    }

    /** Takes the lock to read entries. */
    void lockShared() {
        lock.lock();
    }

    /** Takes the lock to read entries if it is free. */
    boolean tryLockShared() {
        return lock.tryLock();
    }

    /** Says that the holder of a shared lock is going to change entries after all ({@code vm_map_lock_upgrade}). */
    void upgrade() {
        version++;
    }

    /** Releases the lock and then the objects that were unmapped under it. */
    void unlock() {
        Entry gone = entries.takeDeferred();
        lock.unlock();
        Entries.release(gone);
    }

    /**
     * Releases the lock, waits until some entry that was in transition is not any more, and takes the lock again to
     * change entries.
     */
    void awaitTransition(Entry entry) {
        entry.flags |= Entry.NEEDS_WAKEUP;
        layers.machine().sleepQueue().sleepAndDrop(this, lock, "vmmaps");
        lock();
    }

    /** Like {@link #awaitTransition}, but leaves the lock released. */
    void awaitTransitionAndDrop(Entry entry) {
        entry.flags |= Entry.NEEDS_WAKEUP;
        layers.machine().sleepQueue().sleepAndDrop(this, lock, "vmmaps");
    }

    /** Wakes those who wait for entries in transition. */
    void wakeTransition() {
        layers.machine().sleepQueue().wakeup(this);
    }

    /** Keeps forks away while a wiring has dropped the lock ({@code vm_map_busy}). Lock held. */
    void makeBusy() {
        busy++;
    }

    /** Ends {@link #makeBusy} ({@code vm_map_unbusy}). Lock held. */
    void endBusy() {
        if (--busy == 0) {
            layers.machine().sleepQueue().wakeup(lock);
        }
    }

    /** Waits until no wiring has dropped the lock ({@code vm_map_wait_busy}). Lock held on entry and return. */
    void awaitIdle() {
        while (busy > 0) {
            layers.machine().sleepQueue().sleep(lock, lock, "mbusy");
        }
    }

    /** Changes whenever entries may have. */
    long version() {
        return version;
    }

    Layers layers() {
        return layers;
    }

    Entries mapped() {
        return entries;
    }

    EntryTree tree() {
        return tree;
    }

    FaultTally tally() {
        return faults;
    }

    StackRules stackRules() {
        return stackRules;
    }

    /** Counts a process that uses the space. The process table's lock. */
    void addUser() {
        users++;
    }

    /** Ends {@link #addUser}; returns whether it was the last. The process table's lock. */
    boolean removeUser() {
        return --users == 0;
    }

    @Nullable
    Proc owner() {
        return owner;
    }

    void setOwner(@Nullable Proc process) {
        owner = process;
    }

    /** Whether what is mapped from now on is wired. */
    boolean wiresFuture() {
        return wiresFuture;
    }

    void setWiresFuture(boolean on) {
        wiresFuture = on;
    }

    /** How far the process's stack has grown. Guarded by the lock. */
    StackSize stackSize() {
        return stackSize;
    }

    /** What the process that runs here may have, in bytes; no limit while there is none. */
    long limit(Limit limit) {
        Proc process = owner;
        return process == null ? Limit.INFINITY : process.limit(limit);
    }

    /** {@code address}, or the nearest bound of the space. */
    long clamp(long address) {
        return Math.max(min, Math.min(max, address));
    }

    // Reading

    @Override
    public long min() {
        return min;
    }

    @Override
    public long max() {
        return max;
    }

    @Override
    public Pmap pmap() {
        return pmap;
    }

    @Override
    public Cred cred() {
        return cred;
    }

    @Override
    public long size() {
        return entries.size();
    }

    @Override
    public FaultCounts faults() {
        return faults;
    }

    @Override
    public void forEach(Consumer<MapEntry> visitor) {
        lockShared();
        for (Entry entry = tree.first(); entry != null; entry = entry.next) {
            visitor.accept(entry);
        }
        unlock();
    }

    @Override
    public List<MapEntry> entries() {
        List<MapEntry> list = new ArrayList<>();
        forEach(entry -> list.add(new Entry((Entry) entry)));
        return list;
    }

    @Override
    public long findSpace(long start, long length) {
        lockShared();
        long found = tree.findSpace(start, PageSize.ceiling(length));
        unlock();
        return found;
    }

    // Mapping and unmapping

    @Override
    public KernReturn insert(
            @Nullable VmObject object, long offset, long start, long end, int prot, int maxProt, int flags) {
        lock();
        KernReturn result = entries.insert(object, offset, start, end, prot, maxProt, flags);
        unlock();
        return result;
    }

    @Override
    public KernReturn fixed(
            @Nullable VmObject object, long offset, long start, long length, int prot, int maxProt, int flags) {
        lock();
        delete(clamp(start), clamp(start + length));
        KernReturn result = entries.insert(object, offset, start, start + length, prot, maxProt, flags);
        unlock();
        return result;
    }

    @Override
    public KernReturn stack(long start, long maxSize, int prot, int maxProt, int flags) {
        lock();
        Stacks stacks = new Stacks(this);
        KernReturn result = stacks.create(start, maxSize, prot, maxProt, flags);
        if (result.ok() && !stackSize.known()) {
            stackSize.begin(start, stacks.initial(maxSize));
        }
        unlock();
        return result;
    }

    /** A stack like {@link #stack} that is no process's own, so that its size is its own business. */
    KernReturn threadStack(long start, long maxSize, int prot, int flags) {
        lock();
        KernReturn result = new Stacks(this).create(start, maxSize, prot, Prot.ALL, flags);
        unlock();
        return result;
    }

    @Override
    public KernReturn submap(long start, long end, AddressSpace submap) {
        if (!(submap instanceof Space window) || window == this) {
            return KernReturn.INVALID_ARGUMENT;
        }
        lock();
        long from = clamp(start);
        long to = clamp(end);
        KernReturn result = KernReturn.INVALID_ARGUMENT;
        Entry entry = entries.clippedFrom(from);
        if (entry != null) {
            entries.clipEnd(entry, to);
            if (entry.start == from
                    && entry.end == to
                    && entry.object == null
                    && !entry.has(Entry.COW | Entry.SUBMAP)) {
                entry.submap = window;
                entry.flags |= Entry.SUBMAP;
                result = KernReturn.SUCCESS;
            }
        }
        unlock();
        return result;
    }

    @Override
    public KernReturn remove(long start, long end) {
        lock();
        delete(clamp(start), clamp(end));
        unlock();
        return KernReturn.SUCCESS;
    }

    /**
     * Unmaps {@code [start, end)}, waiting for wirings under way and for the kernel's to end ({@code vm_map_delete}).
     * Lock held.
     */
    void delete(long start, long end) {
        Entry entry = entries.clippedFrom(start);
        while (entry != null && entry.start < end) {
            boolean kernelWired = !entries.system() && entry.systemWired() != 0;
            if (entry.has(Entry.IN_TRANSITION) || kernelWired) {
                long resume = entry.start;
                awaitTransition(entry);
                entry = entries.clippedFrom(resume);
                continue;
            }
            entries.clipEnd(entry, end);
            Entry next = entry.next;
            if (entry.wired != 0) {
                new WiredPages(layers, pmap).unwire(entry);
                entry.wired = 0;
            }
            pmap.remove(entry.start, entry.end);
            entries.delete(entry);
            entry = next;
        }
    }

    @Override
    public KernReturn move(long from, long length, long to, long newLength) {
        lock();
        KernReturn result = new Moving(this, from, length, to, newLength).run();
        unlock();
        return result;
    }

    // Attributes

    @Override
    public KernReturn protect(long start, long end, int prot) {
        lock();
        KernReturn result = new Protecting(this, clamp(start), clamp(end), prot, false).run();
        unlock();
        return result;
    }

    @Override
    public KernReturn protectMax(long start, long end, int prot) {
        lock();
        KernReturn result = new Protecting(this, clamp(start), clamp(end), prot, true).run();
        unlock();
        return result;
    }

    @Override
    public KernReturn inherit(long start, long end, Inheritance inheritance) {
        long to = clamp(end);
        lock();
        Entry entry = entries.clippedFrom(clamp(start));
        while (entry != null && entry.start < to) {
            entries.clipEnd(entry, to);
            entry.inheritance = inheritance;
            entries.simplify(entry);
            entry = entry.next;
        }
        unlock();
        return KernReturn.SUCCESS;
    }

    @Override
    public KernReturn madvise(long start, long end, Advice advice) {
        return new Advising(this, clamp(start), clamp(end), advice).run();
    }

    @Override
    public KernReturn sync(long start, long end, boolean syncIo, boolean invalidate) {
        return new Syncing(this, syncIo, invalidate).run(clamp(start), clamp(end));
    }

    @Override
    public KernReturn mincore(long start, long end, byte[] states) {
        return new Incore(this, start, end, states).run();
    }

    // Wiring and faults

    @Override
    public KernReturn wire(long start, long end, int flags) {
        return new Wiring(this, clamp(start), clamp(end), flags).wire();
    }

    @Override
    public KernReturn unwire(long start, long end, int flags) {
        return new Wiring(this, clamp(start), clamp(end), flags).unwire();
    }

    @Override
    public KernReturn fault(long address, int prot, int flags) {
        return new Fault(layers).resolve(this, owner, address, prot, flags);
    }

    /**
     * Makes room below or above a stack for {@code address}; SUCCESS also when there is nothing that could grow
     * ({@code vm_map_growstack}).
     */
    KernReturn growStack(long address) {
        lock();
        Stacks stacks = new Stacks(this);
        KernReturn result = stacks.grow(address);
        unlock();
        if (result.ok() && wiresFuture && stacks.grownTo() > stacks.grownFrom()) {
            // What cannot be wired is there all the same.
            wire(stacks.grownFrom(), stacks.grownTo(), MapFlags.WIRE_USER);
        }
        return result;
    }

    /** Unmaps everything, for good ({@code vmspace_dofree}). Nobody else knows the space any more. */
    void dispose() {
        pmap.removePages();
        lock();
        delete(min, max);
        unlock();
        if (tree.count() != 0 || entries.size() != 0) {
            throw new KernelPanic("vmspace_dofree: %d entries of %d bytes are left", tree.count(), entries.size());
        }
        pmap.release();
    }

    /** The option bits that make an entry like {@code entry} at insert, charges apart. */
    static int optionsOf(Entry entry) {
        int options = 0;
        if (entry.inheritance == Inheritance.SHARE) {
            options |= MapFlags.INHERIT_SHARE;
        }
        if (entry.has(Entry.NOSYNC)) {
            options |= MapFlags.DISABLE_SYNCER;
        }
        if (entry.has(Entry.NOCOREDUMP)) {
            options |= MapFlags.DISABLE_COREDUMP;
        }
        if (entry.has(Entry.VN_WRITECOUNT)) {
            options |= MapFlags.VN_WRITECOUNT;
        }
        return options;
    }
}
