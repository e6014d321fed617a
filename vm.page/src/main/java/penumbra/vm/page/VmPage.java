// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;
import penumbra.page.QueueId;

/**
 * One page ({@code struct vm_page}), in 72 bytes: it is linked into its owner's list and into a paging queue, or a list of
 * free blocks, by fields of its own.
 *
 * <p>Busy, hold count, atomic flags and dirty bits change by compare-and-set, so that readers, the pmap layer and holders
 * need no lock; everything else changes under the owner's lock, and is the only thread's that can reach the page while it
 * has no owner. Queue links are guarded by the queue's lock, those of a free page by the free list lock.
 */
final class VmPage implements Page {
    /** What the page daemon and {@link #activate} start from ({@code ACT_INIT}). */
    static final int ACT_INIT = 5;

    /** Plain flag, beside those of {@link PageFlags}: its owner has gone, so the last unwire frees it. */
    static final int UNWIREFREE = 0x200;

    /** The busy word: whether it is exclusive, whether somebody sleeps on it, how many share it, and the serial number. */
    private static final int EXCLUSIVE = 1;

    private static final int WAITERS = 2;
    private static final int SHARER = 4;
    private static final int SERIAL = 1 << 16;
    private static final int STATE = SERIAL - 1;

    /** Bit of the hold word: the last unhold frees the page. */
    private static final int UNHOLDFREE = 1 << 31;

    private static final QueueId[] QUEUES = QueueId.values();
    private static final byte NO_QUEUE = (byte) QueueId.NONE.ordinal();

    private static final VarHandle BUSY;
    private static final VarHandle HOLDS;
    private static final VarHandle DIRTY;
    private static final VarHandle AFLAGS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            BUSY = lookup.findVarHandle(VmPage.class, "busy", int.class);
            HOLDS = lookup.findVarHandle(VmPage.class, "holds", int.class);
            DIRTY = lookup.findVarHandle(VmPage.class, "dirty", byte.class);
            AFLAGS = lookup.findVarHandle(VmPage.class, "aflags", byte.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private final PageSystem system;

    /** The owner's set that the page is in, resident or cached; null when it is in none. */
    @Nullable
    ResidentSet home;

    @Nullable
    VmPage listPrevious;

    @Nullable
    VmPage listNext;

    @Nullable
    VmPage queuePrevious;

    @Nullable
    VmPage queueNext;

    long pindex;
    private int frame;
    private int busy;
    private int holds;
    private int wireCount;

    /** The number of the page's segment; no meaning in a fictitious page or a marker. */
    final byte segment;
    /** The order of the free block that starts here, or {@link BuddyAllocator#NO_BLOCK}. */
    byte order = BuddyAllocator.NO_BLOCK;
    /** The pool that the page belongs to while it is free. */
    byte pool;

    byte queue = NO_QUEUE;
    private byte actCount;
    private byte valid;
    private byte dirty;
    private byte aflags;
    private byte oflags;
    private byte memattr;
    private short flags;

    VmPage(PageSystem system, int frame, int segment) {
        this.system = system;
        this.frame = frame;
        this.segment = (byte) segment;
    }

    // Identity

    @Override
    public int frame() {
        return frame;
    }

    @Override
    public @Nullable PageOwner owner() {
        ResidentSet set = home;
        return set == null ? null : set.owner();
    }

    @Override
    public long pindex() {
        return pindex;
    }

    @Override
    public long physicalAddress() {
        return PageSize.bytes(Integer.toUnsignedLong(frame));
    }

    private void assertOwned() {
        ResidentSet set = home;
        if (set != null) {
            set.owner().lock().assertHeld();
        }
    }

    // Busy

    @Override
    public boolean busied() {
        return ((int) BUSY.getVolatile(this) & STATE) != 0;
    }

    @Override
    public int busySerial() {
        return (int) BUSY.getVolatile(this) >>> 16;
    }

    @Override
    public boolean xbusied() {
        return ((int) BUSY.getVolatile(this) & EXCLUSIVE) != 0;
    }

    @Override
    public int sharedBusy() {
        return ((int) BUSY.getVolatile(this) & STATE) / SHARER;
    }

    @Override
    public void xbusy() {
        if (!tryXbusy()) {
            throw new KernelPanic("vm_page_xbusy: page %s could not be exclusive busied", this);
        }
    }

    @Override
    public boolean tryXbusy() {
        assertOwned();
        int old = (int) BUSY.getVolatile(this);
        return (old & STATE) == 0 && BUSY.compareAndSet(this, old, exclusive(old));
    }

    /** The exclusive-busy state with the serial number that follows that of {@code old}. */
    private static int exclusive(int old) {
        int serial = (old & ~STATE) + SERIAL;
        return (serial == 0 ? SERIAL : serial) | EXCLUSIVE;
    }

    @Override
    public void xunbusy() {
        assertOwned();
        int old = (int) BUSY.getAndBitwiseAnd(this, ~STATE);
        if ((old & EXCLUSIVE) == 0) {
            throw new KernelPanic("vm_page_xunbusy: page %s was not exclusive busy (%#x)", this, old);
        }
        if ((old & WAITERS) != 0) {
            flash();
        }
    }

    @Override
    public void sbusy() {
        if (!trySbusy()) {
            throw new KernelPanic("vm_page_sbusy: page %s could not be shared busied", this);
        }
    }

    @Override
    public boolean trySbusy() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & EXCLUSIVE) != 0) {
                return false;
            }
            if (BUSY.compareAndSet(this, old, old + SHARER)) {
                return true;
            }
        }
    }

    @Override
    public void sunbusy() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            int state = old & STATE;
            if (state < SHARER) {
                throw new KernelPanic("vm_page_sunbusy: page %s is not shared busy (%#x)", this, old);
            }
            boolean last = state < 2 * SHARER;
            if (BUSY.compareAndSet(this, old, last ? old & ~STATE : old - SHARER)) {
                if (last && (old & WAITERS) != 0) {
                    flash();
                }
                return;
            }
        }
    }

    @Override
    public void busyDowngrade() {
        assertOwned();
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & EXCLUSIVE) == 0) {
                throw new KernelPanic("vm_page_busy_downgrade: page %s is not exclusive busy (%#x)", this, old);
            }
            if (BUSY.compareAndSet(this, old, old - EXCLUSIVE + SHARER)) {
                return;
            }
        }
    }

    @Override
    public boolean hasBusyWaiters() {
        return ((int) BUSY.getVolatile(this) & WAITERS) != 0;
    }

    @Override
    public void busySleep(String waitMessage) {
        PageOwner owner = owner();
        if (owner == null) {
            throw new KernelPanic("vm_page_busy_sleep: page %s has no owner", this);
        }
        KernelLock lock = owner.lock();
        lock.assertHeld();
        // The busy state ends under this lock only, so nobody can call the waiters between here and the sleep.
        while (true) {
            int old = (int) BUSY.getVolatile(this);
            if ((old & STATE) == 0) {
                lock.unlock();
                return;
            }
            if (BUSY.compareAndSet(this, old, old | WAITERS)) {
                system.sleepQueue().sleepAndDrop(this, lock, waitMessage);
                return;
            }
        }
    }

    @Override
    public boolean sleepIfBusy(String waitMessage) {
        PageOwner owner = owner();
        if (owner == null || !busied()) {
            return false;
        }
        busySleep(waitMessage);
        owner.lock().lock();
        return true;
    }

    @Override
    public void flash() {
        system.sleepQueue().wakeup(this);
    }

    /** Ends exclusive busy, if there is any, as the page loses its owner. */
    void endXbusy() {
        if (xbusied()) {
            xunbusy();
        }
    }

    /** Sets the busy state of a page that nobody else can see yet. */
    void startBusy(boolean exclusive, boolean shared) {
        int idle = busy & ~STATE;
        busy = exclusive ? exclusive(idle) : shared ? idle | SHARER : idle;
    }

    // Contents

    @Override
    public int valid() {
        return valid & ALL;
    }

    @Override
    public void setValid(int bits) {
        valid = (byte) bits;
    }

    @Override
    public int dirty() {
        return (byte) DIRTY.getOpaque(this) & ALL;
    }

    @Override
    public void makeDirty() {
        DIRTY.setOpaque(this, (byte) ALL);
    }

    @Override
    public void noteModified() {
        makeDirty();
    }

    @Override
    public void undirty() {
        assertOwned();
        DIRTY.setOpaque(this, (byte) 0);
    }

    /** Clears dirty bits while the pmap layer may be setting all of them ({@code vm_page_clear_dirty_mask}). */
    private void clean(int bits) {
        if ((dirty() & bits) != 0) {
            DIRTY.getAndBitwiseAnd(this, (byte) ~bits);
        }
    }

    @Override
    public void testDirty() {
        assertOwned();
        if (dirty() != ALL && system.pmap().isModified(this)) {
            makeDirty();
        }
    }

    /** The bits of all blocks that the range touches; none for an empty range ({@code vm_page_bits}). */
    static int bits(int base, int size) {
        if (base < 0 || size < 0 || base + size > PageSize.BYTES) {
            throw new KernelPanic("vm_page_bits: illegal base/size %d/%d", base, size);
        }
        if (size == 0) {
            return 0;
        }
        int firstBlock = base / PageSize.BLOCK;
        int lastBlock = (base + size - 1) / PageSize.BLOCK;
        return (2 << lastBlock) - (1 << firstBlock);
    }

    @Override
    public boolean isValid(int base, int size) {
        int bits = bits(base, size);
        return valid != 0 && (valid & bits) == bits;
    }

    @Override
    public void setValidRange(int base, int size) {
        assertOwned();
        int bits = bits(base, size);
        zeroEdges(base, size);
        if ((~valid & bits & dirty()) != 0) {
            throw new KernelPanic("vm_page_set_valid_range: page %s is dirty in [%d, %d)", this, base, base + size);
        }
        valid |= (byte) bits;
    }

    @Override
    public void setValidClean(int base, int size) {
        assertOwned();
        int bits = bits(base, size);
        zeroEdges(base, size);
        boolean wasValid = valid() == ALL;
        valid |= (byte) bits;
        if (base == 0 && size == PageSize.BYTES) {
            // Only a page that was fully valid can be mapped. The hardware's bits go first: a mapping that is being
            // removed would otherwise bring them back after the software's were cleared.
            if (wasValid) {
                system.pmap().clearModify(this);
            }
            undirty();
            clearOflags(PageFlags.O_NOSYNC);
        } else {
            clean(bits);
        }
    }

    /** Zeroes the part outside the range of invalid blocks that the range enters. */
    private void zeroEdges(int base, int size) {
        if (size == 0) {
            return;
        }
        int before = base % PageSize.BLOCK;
        if (before != 0 && (valid & bits(base, 1)) == 0) {
            system.pmap().zeroPageArea(this, base - before, before);
        }
        int end = base + size;
        int inside = end % PageSize.BLOCK;
        if (inside != 0 && (valid & bits(end, 1)) == 0) {
            system.pmap().zeroPageArea(this, end, PageSize.BLOCK - inside);
        }
    }

    @Override
    public void clearDirty(int base, int size) {
        assertOwned();
        clean(bits(base, size));
    }

    @Override
    public void setInvalid(int base, int size) {
        assertOwned();
        PageOwner owner = owner();
        boolean toTheEnd = base == 0 && owner != null && owner.endsWithin(pindex, size);
        int bits = toTheEnd ? ALL : bits(base, size);
        if (bits == 0) {
            return;
        }
        if (valid() == ALL) {
            system.pmap().removeAll(this);
        }
        valid &= (byte) ~bits;
        clean(bits);
    }

    @Override
    public void zeroInvalid(boolean setValid) {
        assertOwned();
        int block = 0;
        while (block < Byte.SIZE) {
            int start = block;
            while (block < Byte.SIZE && (valid & 1 << block) == 0) {
                block++;
            }
            if (block > start) {
                system.pmap().zeroPageArea(this, start * PageSize.BLOCK, (block - start) * PageSize.BLOCK);
            }
            block++;
        }
        if (setValid) {
            valid = (byte) ALL;
        }
    }

    // Wire, hold, queues

    @Override
    public int wireCount() {
        return wireCount;
    }

    @Override
    public void wire() {
        assertOwned();
        if (has(PageFlags.FICTITIOUS)) {
            return;
        }
        if (wireCount == 0) {
            dequeue();
            system.wired().incrementAndGet();
        }
        wireCount++;
    }

    /** Sets the wire count of a page that nobody else can see yet; the caller keeps the total. */
    void startWired(int count) {
        wireCount = count;
    }

    @Override
    public void unwire(boolean activate) {
        assertOwned();
        if (has(PageFlags.FICTITIOUS)) {
            return;
        }
        if (wireCount == 0) {
            throw new KernelPanic("vm_page_unwire: page %s's wire count is zero", this);
        }
        if (--wireCount > 0) {
            return;
        }
        system.wired().decrementAndGet();
        if (has(UNWIREFREE)) {
            system.free(this);
        } else if (home != null && managed()) {
            if (!activate) {
                clearFlags(PageFlags.WINATCFLS);
            }
            enqueue(activate ? QueueId.ACTIVE : QueueId.INACTIVE);
        }
    }

    @Override
    public void forgetWirings(int mappings) {
        assertOwned();
        if (mappings < 0 || mappings > wireCount) {
            throw new KernelPanic("vm_object_page_remove: inconsistent wire count %d %d %s", wireCount, mappings, this);
        }
        if (mappings > 0) {
            wireCount -= mappings;
            if (wireCount == 0) {
                system.wired().decrementAndGet();
            }
        }
    }

    @Override
    public int holdCount() {
        return (int) HOLDS.getVolatile(this) & ~UNHOLDFREE;
    }

    @Override
    public void hold() {
        HOLDS.getAndAdd(this, 1);
    }

    @Override
    public void unhold() {
        int old = (int) HOLDS.getAndAdd(this, -1);
        if ((old & ~UNHOLDFREE) == 0) {
            throw new KernelPanic("vm_page_unhold: hold count < 0 of page %s", this);
        }
        if (old == (UNHOLDFREE | 1)) {
            holds = 0;
            system.giveBack(this);
        }
    }

    /** Whether somebody holds the page; then the last unhold frees it. */
    boolean leaveToHolders() {
        while (true) {
            int old = (int) HOLDS.getVolatile(this);
            if (old == 0) {
                return false;
            }
            if ((old & UNHOLDFREE) != 0) {
                throw new KernelPanic("vm_page_free: freeing PG_UNHOLDFREE page %s", this);
            }
            if (HOLDS.compareAndSet(this, old, old | UNHOLDFREE)) {
                return true;
            }
        }
    }

    @Override
    public QueueId queue() {
        return QUEUES[queue];
    }

    @Override
    public int actCount() {
        return actCount;
    }

    @Override
    public void setActCount(int count) {
        actCount = (byte) count;
    }

    @Override
    public void activate() {
        assertOwned();
        boolean active = queue() == QueueId.ACTIVE;
        if (active || mayQueue()) {
            actCount = (byte) Math.max(actCount, ACT_INIT);
        }
        if (!active && mayQueue()) {
            dequeue();
            enqueue(QueueId.ACTIVE);
        }
    }

    @Override
    public void deactivate() {
        deactivate(false);
    }

    private void deactivate(boolean atHead) {
        assertOwned();
        if (queue() == QueueId.INACTIVE || !mayQueue()) {
            return;
        }
        clearFlags(PageFlags.WINATCFLS);
        dequeue();
        if (atHead) {
            system.queueOf(QueueId.INACTIVE).addFirst(this);
        } else {
            enqueue(QueueId.INACTIVE);
        }
    }

    private boolean mayQueue() {
        return wireCount == 0 && managed();
    }

    private void enqueue(QueueId id) {
        system.queueOf(id).addLast(this);
    }

    @Override
    public void dequeue() {
        assertOwned();
        if (queue != NO_QUEUE) {
            system.queueOf(queue()).remove(this);
        }
    }

    @Override
    public void requeue() {
        assertOwned();
        if (queue == NO_QUEUE) {
            throw new KernelPanic("vm_page_requeue: page %s is not queued", this);
        }
        system.queueOf(queue()).moveToTail(this);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The weights are the original's: of 512 pieces of advice in a row 16 leave the page where it is, and of 128 others
     * 16 put it at the tail rather than the head.
     */
    @Override
    public void advise(Advice advice) {
        assertOwned();
        if (advice == Advice.FREE) {
            undirty();
            actCount = 0;
        } else if (advice != Advice.DONTNEED) {
            return;
        }
        int weight = system.nextAdviceWeight();
        if ((weight & 0x1F0) == 0 || queue() == QueueId.INACTIVE) {
            if (actCount >= ACT_INIT) {
                actCount--;
            }
            return;
        }
        clearAflags(PageFlags.A_REFERENCED);
        if (advice == Advice.DONTNEED && dirty() == 0 && system.pmap().isModified(this)) {
            makeDirty();
        }
        deactivate(dirty() == 0 && (weight & 0x70) != 0);
    }

    @Override
    public boolean tryToCache() {
        if (!tryToClear()) {
            return false;
        }
        system.cache(this);
        return true;
    }

    @Override
    public boolean tryToFree() {
        if (!tryToClear()) {
            return false;
        }
        system.free(this);
        return true;
    }

    /** Removes the page's mappings if nobody needs it in memory; returns whether it can go. */
    private boolean tryToClear() {
        assertOwned();
        if (dirty() != 0 || holdCount() != 0 || wireCount != 0 || !managed() || busied()) {
            return false;
        }
        system.pmap().removeAll(this);
        // A hold may have been taken, and a modification reported, through a mapping until it was removed.
        return dirty() == 0 && holdCount() == 0;
    }

    // Flags

    @Override
    public boolean managed() {
        return (oflags & PageFlags.O_UNMANAGED) == 0;
    }

    @Override
    public boolean writeable() {
        return (aflags() & PageFlags.A_WRITEABLE) != 0;
    }

    @Override
    public void setWriteable(boolean writeable) {
        if (writeable) {
            setAflags(PageFlags.A_WRITEABLE);
        } else {
            clearAflags(PageFlags.A_WRITEABLE);
        }
    }

    @Override
    public void noteReferenced() {
        setAflags(PageFlags.A_REFERENCED);
    }

    @Override
    public void noteExecutable() {
        setAflags(PageFlags.A_EXECUTABLE);
    }

    @Override
    public int aflags() {
        return (byte) AFLAGS.getOpaque(this);
    }

    @Override
    public void setAflags(int bits) {
        if ((aflags() & bits) != bits) {
            AFLAGS.getAndBitwiseOr(this, (byte) bits);
        }
    }

    @Override
    public void clearAflags(int bits) {
        if ((aflags() & bits) != 0) {
            AFLAGS.getAndBitwiseAnd(this, (byte) ~bits);
        }
    }

    @Override
    public int flags() {
        return flags | ((int) HOLDS.getVolatile(this) < 0 ? PageFlags.UNHOLDFREE : 0);
    }

    /** Whether any of the plain flags {@code bits} is set. */
    boolean has(int bits) {
        return (flags & bits) != 0;
    }

    @Override
    public void setFlags(int bits) {
        flags |= (short) bits;
    }

    @Override
    public void clearFlags(int bits) {
        flags &= (short) ~bits;
    }

    @Override
    public int oflags() {
        return oflags;
    }

    @Override
    public void setOflags(int bits) {
        assertOwned();
        oflags |= (byte) bits;
    }

    @Override
    public void clearOflags(int bits) {
        assertOwned();
        oflags &= (byte) ~bits;
    }

    @Override
    public int memattr() {
        return memattr;
    }

    void setMemattr(int attribute) {
        memattr = (byte) attribute;
    }

    /** Makes this a fresh page without owner: neither busy, wired, queued nor referenced. */
    void reset(int newFlags, boolean unmanaged) {
        flags = (short) newFlags;
        aflags = 0;
        oflags = unmanaged ? (byte) PageFlags.O_UNMANAGED : 0;
        busy &= ~STATE;
        wireCount = 0;
        actCount = 0;
    }

    /** Points a fictitious page at another frame. */
    void setFrame(int newFrame) {
        frame = newFrame;
    }

    @Override
    public String toString() {
        return String.format(
                java.util.Locale.ROOT,
                "page %#x (%s at %d, busy %#x, wired %d, held %d, queue %s, valid %#x, dirty %#x, flags %#x)",
                frame,
                owner(),
                pindex,
                busy,
                wireCount,
                holdCount(),
                queue(),
                valid(),
                dirty(),
                flags());
    }
}
