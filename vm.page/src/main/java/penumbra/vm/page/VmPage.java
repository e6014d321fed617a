// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.kern.KernelPanic;
import penumbra.page.Advice;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

/**
 * One page ({@code struct vm_page}), in 72 bytes: it is linked into its owner's list and into a paging queue, or a list
 * of free blocks, by fields of its own.
 *
 * <p>Busy, hold count, atomic flags and dirty bits change by compare-and-set, so that readers, the pmap layer and
 * holders need no lock; everything else changes under the owner's lock, and is the only thread's that can reach the
 * page while it has no owner. Queue links are guarded by the lock of the list that the page is in, those of a free page
 * by the free list lock.
 */
final class VmPage extends ContentPage {
    /** What the page daemon and {@link #activate} start from ({@code ACT_INIT}). */
    static final int ACT_INIT = 5;

    /** Plain flag, beside those of {@link PageFlags}: its owner has gone, so the last unwire frees it. */
    static final int UNWIREFREE = 0x200;

    /** Bit of the hold word: the last unhold frees the page. */
    private static final int UNHOLDFREE = 1 << 31;

    /** What {@link #batch} says of a page that is in a queue's list, or not queued. */
    static final int NO_BATCH = 0;

    private static final QueueId[] QUEUES = QueueId.values();
    private static final byte NO_QUEUE = (byte) QueueId.NONE.ordinal();
    /** The lower bits of {@link #place} are the ordinal of the queue, the upper ones the number of the batch. */
    private static final int QUEUE_BITS = 2;

    private static final int QUEUE_MASK = (1 << QUEUE_BITS) - 1;

    private static final VarHandle HOLDS;
    private static final VarHandle AFLAGS;
    private static final VarHandle PLACE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            HOLDS = lookup.findVarHandle(VmPage.class, "holds", int.class);
            AFLAGS = lookup.findVarHandle(VmPage.class, "aflags", byte.class);
            PLACE = lookup.findVarHandle(VmPage.class, "place", byte.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

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
    private int holds;
    private int wireCount;

    /** The number of the page's segment; no meaning in a fictitious page or a marker. */
    final byte segment;
    /** The order of the free block that starts here, or {@link BuddyAllocator#NO_BLOCK}. */
    byte order = BuddyAllocator.NO_BLOCK;
    /** The pool that the page belongs to while it is free. */
    byte pool;

    /**
     * Where the page is queued. Changes under the owner's lock, except that a batch's pages may come to the queue's list
     * at any time, under the locks of both.
     */
    private byte place = NO_QUEUE;

    private byte actCount;
    private byte aflags;
    private byte oflags;
    private byte memattr;
    private short flags;

    VmPage(PageSystem system, int frame, int segment) {
        super(system);
        this.frame = frame;
        this.segment = (byte) segment;
    }

    // Identity

    @Override
    public int frame() {
        return frame;
    }

    @Override
    public long pindex() {
        return pindex;
    }

    @Override
    public long physicalAddress() {
        return PageSize.bytes(Integer.toUnsignedLong(frame));
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
        return QUEUES[place() & QUEUE_MASK];
    }

    /** The number of the batch that the page is in, counted from 1, or {@link #NO_BATCH}. */
    int batch() {
        return place() >> QUEUE_BITS;
    }

    boolean queued() {
        return place() != NO_QUEUE;
    }

    /** Whether the page is in this batch of a queue, or, with {@link #NO_BATCH}, in its list. */
    boolean isIn(QueueId id, int batch) {
        return place() == placeOf(id, batch);
    }

    /** Notes where the page is put; the caller has the lock of that place. */
    void enter(QueueId id, int batch) {
        PLACE.setOpaque(this, (byte) placeOf(id, batch));
    }

    /** Notes that the page has been taken out of where it was queued. */
    void leave() {
        PLACE.setOpaque(this, NO_QUEUE);
    }

    private int place() {
        return (byte) PLACE.getOpaque(this) & 0xFF;
    }

    private static int placeOf(QueueId id, int batch) {
        return batch << QUEUE_BITS | id.ordinal();
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
        if (queued()) {
            system.queueOf(queue()).remove(this);
        }
    }

    @Override
    public void requeue() {
        assertOwned();
        if (!queued()) {
            throw new KernelPanic("vm_page_requeue: page %s is not queued", this);
        }
        system.queueOf(queue()).moveToTail(this);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The weights are the original's: of 512 pieces of advice in a row 16 leave the page where it is, and of 128
     * others 16 put it at the tail rather than the head.
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
        resetBusy();
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
                busyWord(),
                wireCount,
                holdCount(),
                queue(),
                valid(),
                dirty(),
                flags());
    }
}
