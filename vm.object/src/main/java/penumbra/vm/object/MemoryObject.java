// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.ResidentPages;
import penumbra.vnode.Vnode;

/**
 * One memory object: its state, its counts and its place in the chain; the operations on it are the core's.
 *
 * <p>Type-stable: when an object is gone, its Java object may come back as another one, with another {@link #id}.
 * Whoever locks an object without holding a reference looks again whether it is still the one that was meant. The lock
 * guards every field, that of the backing object the place in the list of shadows.
 */
final class MemoryObject extends Apart implements VmObject {
    /** {@code (1 << (VM_NFREEORDER - 1)) - 1} on amd64, where blocks have 13 orders. */
    static final int COLOR_MASK = (1 << 12) - 1;

    private final ObjectCore core;
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "vm object");
    private final ResidentPages pages;

    private long id;
    private ObjectType type = ObjectType.DEAD;
    private int flags;
    private long size;
    private int refCount;
    private int generation;
    private int pagingInProgress;
    private int memattr;
    private int color;
    private @Nullable Cred cred;
    private long charge;
    private @Nullable Object handle;
    private NamedObjects.@Nullable Name name;
    private @Nullable Object pagerState;
    private @Nullable Object tmpfsNode;

    /** The vnode of a file object, also after the pager let go of it, so that every hold can be ended. */
    private volatile @Nullable Vnode vnode;

    private @Nullable MemoryObject backing;
    private long backingOffset;
    private int shadowCount;
    private @Nullable MemoryObject firstShadow;
    private @Nullable MemoryObject nextSibling;
    private @Nullable MemoryObject previousSibling;

    /** The neighbours in the table of objects, under its lock. */
    @Nullable
    MemoryObject nextListed;

    @Nullable
    MemoryObject previousListed;

    /** A dead object without identity, for {@link #become} ({@code vm_object_zinit}). */
    MemoryObject(ObjectCore core) {
        this.core = core;
        this.pages = core.pages().newResidentPages(this);
    }

    /**
     * Starts a life with one reference, the caller's; nobody else can reach the object yet
     * ({@code _vm_object_allocate}).
     */
    void become(long newId, ObjectType newType, long newSize) {
        flags = initialFlags(newType);
        id = newId;
        type = newType;
        size = newSize;
        refCount = 1;
        generation = 1;
        memattr = 0;
        color = 0;
        cred = null;
        charge = 0;
        handle = null;
        name = null;
        pagerState = null;
        tmpfsNode = null;
        vnode = null;
        backing = null;
        backingOffset = 0;
        nextSibling = null;
        previousSibling = null;
    }

    private static int initialFlags(ObjectType type) {
        return switch (type) {
            case DEFAULT, SWAP -> ObjectFlags.ONEMAPPING;
            case DEVICE, SG -> ObjectFlags.FICTITIOUS | ObjectFlags.UNMANAGED;
            case MGTDEVICE -> ObjectFlags.FICTITIOUS;
            case PHYS -> ObjectFlags.UNMANAGED;
            case VNODE -> 0;
            case DEAD -> throw new KernelPanic("allocate: an object cannot be born dead");
        };
    }

    /** Panics unless nothing is left of the life that ends ({@code vm_object_zdtor}). */
    void assertSpent() {
        pages.assertEmpty();
        if (pagingInProgress != 0 || shadowCount != 0 || firstShadow != null || cred != null) {
            throw new KernelPanic(
                    "destroy: object %d has paging in progress %d, shadows %d, charge %d",
                    id, pagingInProgress, shadowCount, charge);
        }
    }

    // Identity and state

    @Override
    public long id() {
        return id;
    }

    @Override
    public KernelLock lock() {
        return lock;
    }

    @Override
    public ResidentPages pages() {
        return pages;
    }

    @Override
    public ObjectType type() {
        return type;
    }

    @Override
    public void setType(ObjectType newType) {
        lock.assertHeld();
        type = newType;
    }

    /** Whether this is anonymous memory that no pager knows by a handle: what may collapse. */
    boolean plain() {
        return handle == null && type.anonymous();
    }

    @Override
    public int flags() {
        return flags;
    }

    @Override
    public void setFlag(int bits) {
        flags |= bits;
    }

    @Override
    public void clearFlag(int bits) {
        lock.assertHeld();
        flags &= ~bits;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void setSize(long newSize) {
        lock.assertHeld();
        size = newSize;
    }

    @Override
    public int generation() {
        return generation;
    }

    @Override
    public void setWriteableDirty() {
        lock.assertHeld();
        if (type == ObjectType.VNODE) {
            generation++;
            flags |= ObjectFlags.MIGHTBEDIRTY;
        }
    }

    @Override
    public int memattr() {
        return memattr;
    }

    @Override
    public KernReturn setMemattr(int attribute) {
        lock.assertHeld();
        if (type == ObjectType.DEAD) {
            return KernReturn.INVALID_ARGUMENT;
        }
        if (pages.count() != 0) {
            return KernReturn.FAILURE;
        }
        memattr = attribute;
        return KernReturn.SUCCESS;
    }

    @Override
    public boolean fictitious() {
        return has(ObjectFlags.FICTITIOUS);
    }

    @Override
    public boolean unmanaged() {
        return has(ObjectFlags.UNMANAGED);
    }

    @Override
    public boolean colored() {
        return has(ObjectFlags.COLORED);
    }

    @Override
    public int color() {
        return color;
    }

    @Override
    public void setColor(int newColor) {
        lock.assertHeld();
        if (!colored()) {
            color = newColor & COLOR_MASK;
            flags |= ObjectFlags.COLORED;
        }
    }

    /** Takes over the colour of the object behind, whose page {@code offset} is this object's page 0. */
    void inheritColor(MemoryObject source, long offset) {
        flags |= source.flags & ObjectFlags.COLORED;
        color = (int) (source.color + offset) & COLOR_MASK;
    }

    @Override
    public @Nullable Object handle() {
        return handle;
    }

    /** What the object is found by; null for one that is not. */
    NamedObjects.@Nullable Name name() {
        return name;
    }

    /** Names an object that nobody else can reach yet. */
    void setName(NamedObjects.Name newName) {
        name = newName;
        handle = newName.handle();
    }

    @Override
    public void setHandle(@Nullable Object newHandle) {
        if (newHandle == null && name != null) {
            core.named().forget(name, this);
            name = null;
        }
        handle = newHandle;
        if (type == ObjectType.VNODE && newHandle instanceof Vnode file) {
            vnode = file;
        }
    }

    @Override
    public @Nullable Object pagerState() {
        return pagerState;
    }

    @Override
    public void setPagerState(@Nullable Object state) {
        pagerState = state;
    }

    @Override
    public @Nullable Object tmpfsNode() {
        return tmpfsNode;
    }

    @Override
    public void setTmpfsNode(@Nullable Object node) {
        tmpfsNode = node;
    }

    // What the page layer asks

    @Override
    public boolean mayReserveBeyondEnd() {
        return type != ObjectType.VNODE && (backing == null || backing.type != ObjectType.VNODE);
    }

    @Override
    public boolean hasBackingCopy(long pindex) {
        return switch (type) {
            case DEFAULT, DEAD -> false;
            case SWAP -> core.swapped(this, pindex);
            default -> true;
        };
    }

    @Override
    public void holdBacking() {
        Vnode file = vnode;
        if (file != null) {
            file.hold();
        }
    }

    @Override
    public void dropBacking() {
        Vnode file = vnode;
        if (file != null) {
            file.drop();
        }
    }

    // Charges

    @Override
    public @Nullable Cred cred() {
        return cred;
    }

    @Override
    public long charge() {
        return charge;
    }

    @Override
    public void setCharge(@Nullable Cred newCred, long bytes) {
        lock.assertHeld();
        if (bytes < 0 || (bytes & PageSize.MASK) != 0) {
            throw new KernelPanic("setCharge: object %d charged with %d bytes", id, bytes);
        }
        cred = newCred;
        charge = bytes;
    }

    /**
     * Hands {@code bytes} of the charge over to an object that has none yet; nothing when this one has none. Both
     * locked.
     */
    void moveCharge(MemoryObject to, long bytes) {
        if (cred == null) {
            return;
        }
        if (charge < bytes) {
            throw new KernelPanic("split: object %d is charged %d, asked for %d", id, charge, bytes);
        }
        to.setCharge(cred, bytes);
        charge -= bytes;
    }

    /** Gives back the whole promise; the object is not in use any more. */
    void releaseCharge() {
        @Nullable Cred payer = cred;
        if (payer != null) {
            core.accounting().release(charge, payer);
            charge = 0;
            cred = null;
        }
    }

    // References

    @Override
    public int refCount() {
        return refCount;
    }

    @Override
    public void reference() {
        lock.lock();
        referenceLocked();
        lock.unlock();
    }

    @Override
    public void referenceLocked() {
        lock.assertHeld();
        refCount++;
        if (type == ObjectType.VNODE) {
            file().reference();
        }
    }

    /** Adds a reference that is nobody's use of the file; only of anonymous objects. Locked. */
    void retain() {
        lock.assertHeld();
        refCount++;
    }

    /** Takes a reference off the count and nothing else; returns how many are left. Locked. */
    int forgetReference() {
        lock.assertHeld();
        if (refCount == 0) {
            throw new KernelPanic("deallocate: object %d of type %s deallocated too many times", id, type);
        }
        return --refCount;
    }

    /** The vnode of a file object that still has it. */
    Vnode file() {
        if (handle instanceof Vnode file) {
            return file;
        }
        throw new KernelPanic("object %d of type %s has no vnode", id, type);
    }

    @Override
    public void deallocate() {
        core.deallocation().deallocate(this);
    }

    @Override
    public void terminate() {
        core.termination().terminate(this);
    }

    // Paging in progress

    @Override
    public int pagingInProgress() {
        return pagingInProgress;
    }

    @Override
    public void pipAdd(int n) {
        lock.assertHeld();
        pagingInProgress += n;
    }

    @Override
    public void pipSubtract(int n) {
        lock.assertHeld();
        if (n > pagingInProgress) {
            throw new KernelPanic("object %d: %d operations end, %d are in progress", id, n, pagingInProgress);
        }
        pagingInProgress -= n;
    }

    @Override
    public void pipWakeup(int n) {
        pipSubtract(n);
        if (pagingInProgress == 0 && has(ObjectFlags.PIPWNT)) {
            flags &= ~ObjectFlags.PIPWNT;
            core.machine().sleepQueue().wakeup(this);
        }
    }

    @Override
    public void pipWait(String waitMessage) {
        lock.assertHeld();
        while (pagingInProgress != 0) {
            flags |= ObjectFlags.PIPWNT;
            core.machine().sleepQueue().sleep(this, lock, waitMessage);
        }
    }

    /** Sleeps until paging may have ended, and leaves the lock released. Locked on entry. */
    void pipSleepAndDrop(String waitMessage) {
        lock.assertHeld();
        flags |= ObjectFlags.PIPWNT;
        core.machine().sleepQueue().sleepAndDrop(this, lock, waitMessage);
    }

    // The chain

    @Override
    public @Nullable MemoryObject backing() {
        return backing;
    }

    @Override
    public long backingOffset() {
        return backingOffset;
    }

    @Override
    public int shadowCount() {
        return shadowCount;
    }

    @Override
    public @Nullable MemoryObject firstShadow() {
        return firstShadow;
    }

    @Override
    public @Nullable MemoryObject nextSibling() {
        return nextSibling;
    }

    /**
     * Puts this object in front of {@code behind}, which is locked, at the head of its shadows; references are the
     * caller's.
     */
    void linkBacking(MemoryObject behind) {
        behind.lock.assertHeld();
        backing = behind;
        previousSibling = null;
        nextSibling = behind.firstShadow;
        if (nextSibling != null) {
            nextSibling.previousSibling = this;
        }
        behind.firstShadow = this;
        behind.shadowCount++;
    }

    /** Takes this object from the shadows of the one behind it, which is locked, and forgets it; the offset stays. */
    void unlinkBacking() {
        @Nullable MemoryObject behind = backing;
        if (behind == null) {
            throw new KernelPanic("object %d shadows nothing", id);
        }
        behind.lock.assertHeld();
        if (previousSibling == null) {
            behind.firstShadow = nextSibling;
        } else {
            previousSibling.nextSibling = nextSibling;
        }
        if (nextSibling != null) {
            nextSibling.previousSibling = previousSibling;
        }
        behind.shadowCount--;
        backing = null;
        nextSibling = null;
        previousSibling = null;
    }

    void setBackingOffset(long offset) {
        backingOffset = offset;
    }

    @Override
    public void collapse() {
        core.collapse().collapse(this);
    }

    @Override
    public boolean coalesce(long prevOffset, long prevSize, long nextSize, boolean reserved) {
        return core.coalescing().coalesce(this, prevOffset, prevSize, nextSize, reserved);
    }

    // Pages

    @Override
    public boolean pageClean(long start, long end, int cleanFlags) {
        return new Cleaning(core, this, cleanFlags).clean(start, end);
    }

    @Override
    public boolean sync(long offset, long length, boolean syncIo, boolean invalidate) {
        return core.sync().sync(this, offset, length, syncIo, invalidate);
    }

    @Override
    public void madvise(long start, long end, Advice advice) {
        core.advising().advise(this, start, end, advice);
    }

    @Override
    public void pageRemove(long start, long end, int options) {
        core.removal().remove(this, start, end, options);
    }

    @Override
    public void pageCache(long start, long end) {
        core.removal().cache(this, start, end);
    }

    @Override
    public boolean populate(long start, long end) {
        return core.population().populate(this, start, end);
    }

    @Override
    public String toString() {
        return "object " + id + " (" + type + ", " + size + " pages, " + refCount + " references)";
    }
}
