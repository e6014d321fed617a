// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.Machine;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Execution;
import penumbra.kern.KernelPanic;
import penumbra.kern.Witness;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerResult;
import penumbra.pager.SwapSpace.TransferProbe;

/**
 * The transfers of the swap pager: contents between frames and stores, verified on their way in, and what becomes of
 * the pages when one ends ({@code swp_pager_strategy}, {@code swp_pager_async_iodone}).
 */
final class SwapTransfers {
    private static final Logger LOG = LoggerFactory.getLogger(SwapTransfers.class);

    /** FreeBSD's {@code nswbuf} where memory does not limit it. */
    private static final int SWAP_BUFFERS = 256;

    /** So many writes in a row may fail before a store gets no new pages. */
    private static final int MAX_FAILED_WRITES = 64;

    /** {@code vm.swap_async_max} as it is set at first. */
    static final int ASYNC_WRITES = 4;

    /** The most that {@code vm.swap_async_max} allows. */
    static final int MAX_ASYNC_WRITES = SWAP_BUFFERS / 2;

    private final TransferPool reads;
    private final TransferPool syncWrites;
    private final TransferPool asyncWrites;
    private final AtomicInteger versions = new AtomicInteger();
    private final StoreTable stores;
    private final StoreSpace space;
    private final SwapMaps maps;
    private final Pages pages;
    private final PhysicalMemory memory;
    private final SwapFigures figures;
    private final Machine machine;
    private final @Nullable SwapWriters writers;
    private volatile @Nullable TransferProbe probe;
    private volatile long parkedNanos;

    SwapTransfers(
            Machine machine,
            PhysicalMemory memory,
            Pages pages,
            StoreTable stores,
            StoreSpace space,
            SwapMaps maps,
            SwapFigures figures) {
        this.machine = machine;
        this.memory = memory;
        this.pages = pages;
        this.stores = stores;
        this.space = space;
        this.maps = maps;
        this.figures = figures;
        this.reads = new TransferPool(machine.sleepQueue(), figures.buffers, (SWAP_BUFFERS + 1) / 2, "swrbuf");
        this.syncWrites = new TransferPool(machine.sleepQueue(), figures.buffers, (SWAP_BUFFERS + 3) / 4, "swwbuf");
        this.asyncWrites = new TransferPool(machine.sleepQueue(), figures.buffers, ASYNC_WRITES, "swabuf");
        this.writers = machine.execution() == Execution.THREADED ? new SwapWriters(machine, this::finishLater) : null;
    }

    void setProbe(@Nullable TransferProbe probe) {
        this.probe = probe;
    }

    /** How long a page-in waits for a store that has left. */
    void setParkedNanos(long nanos) {
        parkedNanos = nanos;
    }

    long parkedNanos() {
        return parkedNanos;
    }

    /** Sets how many page-outs may complete later at a time (1 to {@link #MAX_ASYNC_WRITES}). */
    void setAsyncWrites(int limit) {
        asyncWrites.setLimit(limit);
    }

    /** Waits for what is under way, unless the machine was halted, and ends the threads. */
    void close() {
        boolean halted = machine.panic() != null;
        if (!halted) {
            asyncWrites.drain();
        }
        if (writers != null) {
            writers.close(halted);
        }
    }

    // Page-in

    /** Takes a transfer for reading. Locked; may drop the lock when too many are under way. */
    Transfer beginRead(VmObject object) {
        @Nullable Transfer transfer = reads.tryTake();
        if (transfer == null) {
            object.lock().unlock();
            transfer = reads.take();
            object.lock().lock();
        }
        transfer.reset(object);
        return transfer;
    }

    void cancelRead(Transfer transfer) {
        reads.give(transfer);
    }

    /**
     * Reads the pages of {@code transfer}, verifies them and settles all but the requested one. Locked; drops the lock.
     *
     * @return null when the requested page's entry changed meanwhile, so that nothing is known
     */
    @Nullable
    PagerResult read(Transfer transfer, LocationMap map, int requested) {
        VmObject object = transfer.object();
        int count = transfer.count();
        for (int i = 0; i < count; i++) {
            transfer.page(i).setOflags(PageFlags.O_SWAPINPROG);
        }
        figures.pageIns.increment();
        figures.pagesIn.add(count);
        object.pipAdd(count);
        object.lock().unlock();
        boolean read = fill(transfer);
        object.lock().lock();
        @Nullable PagerResult result = settleRead(transfer, map, requested, read);
        object.pipWakeup(count);
        reads.give(transfer);
        return result;
    }

    private boolean fill(Transfer transfer) {
        Witness.beforeIo();
        @Nullable StoreEntry entry = stores.find(transfer.location);
        if (entry == null || !stores.stay(entry, parkedNanos)) {
            // That it has left was said when it did.
            figures.parkedReads.increment();
            return false;
        }
        try {
            try {
                move(entry, Location.slot(transfer.location), transfer.buffer(), false);
            } finally {
                stores.leave(entry);
            }
        } catch (IOException e) {
            transfer.failure = e;
            return false;
        }
        for (int i = 0; i < transfer.count(); i++) {
            transfer.setGood(i, transfer.checksum(i) == Stamp.checksum(transfer.stamp(i)));
            if (transfer.good(i)) {
                transfer.scatter(i, memory);
            }
        }
        return true;
    }

    private @Nullable PagerResult settleRead(Transfer transfer, LocationMap map, int requested, boolean read) {
        @Nullable PagerResult result = PagerResult.ERROR;
        @Nullable IOException failure = transfer.failure;
        // A read says nothing if it failed and one of its slots may have become somebody else's meanwhile.
        boolean tells = failure == null || isUnchanged(transfer, map);
        if (failure != null && tells) {
            figures.readErrors.increment();
            report(transfer, stores.find(transfer.location), "in", failure);
        }
        for (int i = 0; i < transfer.count(); i++) {
            Page page = transfer.page(i);
            page.clearOflags(PageFlags.O_SWAPINPROG);
            boolean same = isUnchanged(transfer, i, map);
            boolean good = read && same && transfer.good(i);
            if (read && same && !good) {
                report(transfer, i);
            }
            if (good && page.dirty() != 0) {
                throw new KernelPanic(
                        "swap read: object %d page %d is dirty: %#x",
                        transfer.object().id(), page.pindex(), page.dirty());
            }
            page.setValid(good ? Page.ALL : 0);
            if (i == requested) {
                result = good ? PagerResult.OK : same && tells ? PagerResult.ERROR : null;
                page.flash();
            } else if (good) {
                page.deactivate();
                page.xunbusy();
            } else {
                release(pages, page);
            }
        }
        return result;
    }

    /** Whether all entries still say what they said when the read began. */
    private static boolean isUnchanged(Transfer transfer, LocationMap map) {
        boolean unchanged = true;
        for (int i = 0; i < transfer.count(); i++) {
            unchanged &= isUnchanged(transfer, i, map);
        }
        return unchanged;
    }

    private static boolean isUnchanged(Transfer transfer, int i, LocationMap map) {
        long pindex = transfer.page(i).pindex();
        return transfer.location + i == map.location(pindex) && transfer.stamp(i) == map.stamp(pindex);
    }

    private void report(Transfer transfer, int i) {
        figures.wrongContents.increment();
        LOG.error(
                "object {} page {}: store {}, slot {} does not hold version {}: its checksum is {}, not {}",
                transfer.object().id(),
                transfer.page(i).pindex(),
                stores.find(transfer.location),
                Location.slot(transfer.location + i),
                Integer.toUnsignedString(Stamp.version(transfer.stamp(i))),
                Integer.toHexString(transfer.checksum(i)),
                Integer.toHexString(Stamp.checksum(transfer.stamp(i))));
    }

    /**
     * Whether a slot holds what its stamp says; for checks. No lock.
     *
     * @throws IOException when it cannot be read
     */
    boolean holds(BackingStore store, long location, long stamp) throws IOException {
        Transfer transfer = reads.take();
        try {
            return transfer.holds(store, Location.slot(location), Stamp.checksum(stamp));
        } finally {
            reads.give(transfer);
        }
    }

    /** Frees an exclusive-busy page that came along in vain, unless it is wired ({@code swp_pager_free_nrpage}). */
    static void release(Pages pages, Page page) {
        if (page.wireCount() == 0) {
            pages.free(page);
        } else {
            page.xunbusy();
        }
    }

    // Page-out

    /** Takes a transfer for writing; waits while too many are under way. No object is locked. */
    Transfer beginWrite(VmObject object, boolean wait) {
        Transfer transfer = (wait ? syncWrites : asyncWrites).take();
        transfer.reset(object);
        return transfer;
    }

    /** Takes a page's contents into the buffer and stamps them. The page is busy and write-protected. */
    void stamp(Transfer transfer, int i) {
        transfer.gather(i, memory);
        int version = versions.incrementAndGet();
        while (version == 0) {
            version = versions.incrementAndGet();
        }
        transfer.setStamp(i, Stamp.of(version, transfer.checksum(i)));
    }

    /** Writes a transfer and settles its pages, now or later. No object is locked. */
    void write(Transfer transfer, boolean wait) {
        figures.pageOuts.increment();
        figures.pagesOut.add(transfer.count());
        if (!wait && writers != null) {
            writers.submit(transfer);
        } else {
            finish(transfer, wait ? syncWrites : asyncWrites);
        }
    }

    private void finishLater(Transfer transfer) {
        finish(transfer, asyncWrites);
    }

    private void finish(Transfer transfer, TransferPool from) {
        boolean written = empty(transfer) || writeElsewhere(transfer);
        VmObject object = transfer.object();
        object.lock().lock();
        for (int i = 0; i < transfer.count(); i++) {
            settleWrite(transfer.page(i), written);
        }
        object.pipWakeup(transfer.count());
        object.lock().unlock();
        space.leave(transfer.location);
        from.give(transfer);
    }

    /** Writes what a store failed to take to any other that does, and enters that one instead; false when none does. */
    private boolean writeElsewhere(Transfer transfer) {
        Set<StoreEntry> failed = new HashSet<>();
        boolean written = false;
        long next;
        do {
            failed.add(stores.entry(transfer.location));
            next = space.allocate(transfer.count(), failed, null);
            if (next != Location.NONE) {
                redirect(transfer, next);
                written = empty(transfer);
            }
        } while (!written && next != Location.NONE);
        return written;
    }

    /**
     * Makes the entries of a transfer name another run of slots. The pages are busy, but their entries may have gone.
     */
    private void redirect(Transfer transfer, long location) {
        VmObject object = transfer.object();
        object.lock().lock();
        for (int i = 0; i < transfer.count(); i++) {
            long pindex = transfer.page(i).pindex();
            @Nullable LocationMap map = SwapMaps.of(object);
            boolean wanted = map != null
                    && map.location(pindex) == transfer.location + i
                    && map.stamp(pindex) == transfer.stamp(i);
            if (map != null && wanted) {
                maps.put(map, pindex, location + i, transfer.stamp(i));
            } else {
                space.free(location + i, 1);
            }
        }
        object.lock().unlock();
        space.leave(transfer.location);
        transfer.location = location;
    }

    private boolean empty(Transfer transfer) {
        Witness.beforeIo();
        StoreEntry entry = stores.entry(transfer.location);
        try {
            move(entry, Location.slot(transfer.location), transfer.buffer(), true);
            return true;
        } catch (IOException e) {
            figures.writeErrors.increment();
            report(transfer, entry, "out", e);
            return false;
        }
    }

    private static void report(Transfer transfer, @Nullable StoreEntry entry, String way, IOException error) {
        LOG.error(
                "object {}: page-{} of {} pages from {} on failed: store {}, slot {}: {}",
                transfer.object().id(),
                way,
                transfer.count(),
                transfer.page(0).pindex(),
                entry,
                Location.slot(transfer.location),
                error.getMessage());
    }

    private void settleWrite(Page page, boolean written) {
        page.clearOflags(PageFlags.O_SWAPINPROG);
        if (!written) {
            page.makeDirty();
            page.activate();
            page.sunbusy();
            return;
        }
        if (page.writeable()) {
            throw new KernelPanic("swap write: page %d was mapped writeable while it was written", page.pindex());
        }
        page.undirty();
        page.sunbusy();
        if (pages.counts().severe()) {
            page.tryToCache();
        }
    }

    // Moves from store to store

    /** Takes a transfer for moving pages of {@code object}; waits while too many are under way. No object is locked. */
    Transfer beginMove(VmObject object) {
        Transfer transfer = reads.take();
        transfer.reset(object);
        return transfer;
    }

    void endMove(Transfer transfer) {
        reads.give(transfer);
    }

    /**
     * Reads pages {@code [first, first + count)} of a transfer from adjacent slots, and notes which are good: a slot that was
     * freed meanwhile may well not be. No object is locked.
     */
    void read(StoreEntry entry, long location, Transfer transfer, int first, int count) {
        Witness.beforeIo();
        boolean read = true;
        try {
            move(entry, Location.slot(location), transfer.buffer(first, count), false);
        } catch (IOException e) {
            read = false;
            if (count > 1) {
                for (int i = 0; i < count; i++) {
                    read(entry, location + i, transfer, first + i, 1);
                }
                return;
            }
        }
        for (int i = first; i < first + count; i++) {
            transfer.setGood(i, read && transfer.checksum(i) == Stamp.checksum(transfer.stamp(i)));
        }
    }

    /**
     * Writes pages {@code [first, first + count)} of a transfer to adjacent slots; false when it fails. No object is
     * locked.
     */
    boolean write(long location, Transfer transfer, int first, int count) {
        Witness.beforeIo();
        StoreEntry entry = stores.entry(location);
        try {
            move(entry, Location.slot(location), transfer.buffer(first, count), true);
            return true;
        } catch (IOException e) {
            figures.writeErrors.increment();
            LOG.error(
                    "object {}: moving {} pages failed: store {}, slot {}: {}",
                    transfer.object().id(),
                    count,
                    entry,
                    Location.slot(location),
                    e.getMessage());
            return false;
        }
    }

    /**
     * Copies what was read for entry {@code i} into the frame of {@code page}, which is exclusive-busy and not mapped.
     */
    void fill(Transfer transfer, int i, Page page) {
        transfer.scatter(i, page, memory);
    }

    /**
     * Writes, and counts what fails: a store that takes nothing any more, though it has room, must not be tried for
     * ever, since the daemon would wait for memory that nobody can free.
     */
    private void write(StoreEntry entry, long slot, ByteBuffer buffer) throws IOException {
        try {
            entry.store.write(slot, buffer);
            entry.failedWrites.setPlain(0);
        } catch (IOException e) {
            if (entry.failedWrites.incrementAndGet() >= MAX_FAILED_WRITES) {
                entry.failedWrites.set(0);
                stores.close(entry);
                LOG.error(
                        "swap store {} takes no new pages: {} writes in a row have failed; swap it on again when it is mended",
                        entry,
                        MAX_FAILED_WRITES);
            }
            throw e;
        }
    }

    private void move(StoreEntry entry, long slot, ByteBuffer buffer, boolean write) throws IOException {
        try {
            @Nullable TransferProbe asked = probe;
            if (asked != null) {
                asked.before(entry.store, write, slot, buffer.remaining() / PageSize.BYTES);
            }
            if (write) {
                write(entry, slot, buffer);
            } else {
                entry.store.read(slot, buffer);
            }
        } catch (RuntimeException | LinkageError | AssertionError e) {
            LOG.error("swap store {} threw in a transfer at slot {}", entry, slot, e);
            throw new IOException(e.toString(), e);
        }
        if (buffer.hasRemaining()) {
            throw new IOException(buffer.remaining() + " bytes were not transferred");
        }
    }
}
