// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.BackingStore;

/**
 * The move of up to 16 neighbouring pages of one object out of a store.
 *
 * <p>Each page is exclusive-busy while it moves, resident or as an empty placeholder, and paging is in progress on the
 * object; no lock is held during I/O. An entry is replaced only if it still says what it said when its slot was read, so
 * whatever else happened to the page meanwhile has happened. The version stays: the contents are the same.
 */
final class Cluster {
    private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);

    private final MovingParts parts;
    private final StoreEntry source;
    private final boolean toMemory;

    /** Locations known to be unreadable, which are passed over. */
    private final Set<Long> unreadable;

    private final Transfer transfer;
    private final LocationMap map;
    private final VmObject object;
    private final long[] from = new long[BackingStore.MAX_RUN];
    private final long[] to = new long[BackingStore.MAX_RUN];
    private final boolean[] placeholder = new boolean[BackingStore.MAX_RUN];
    private final boolean[] brought = new boolean[BackingStore.MAX_RUN];
    private final LongList runs = new LongList();

    private int moved;
    private int putOff;
    private int noRoom;
    private boolean waitedFor;

    /**
     * A move of pages of {@code map}'s object.
     *
     * @param transfer the caller's, reset for that object
     * @param toMemory whether pages that no store takes are brought to memory while there is enough of it
     */
    Cluster(
            MovingParts parts,
            StoreEntry source,
            LocationMap map,
            Transfer transfer,
            boolean toMemory,
            Set<Long> unreadable) {
        this.parts = parts;
        this.source = source;
        this.map = map;
        this.object = map.object;
        this.transfer = transfer;
        this.toMemory = toMemory;
        this.unreadable = unreadable;
    }

    /** Pages that are out of the store now. */
    int moved() {
        return moved;
    }

    /** Pages that somebody else had busy, or that there was no memory for. */
    int putOff() {
        return putOff;
    }

    /** Pages that stayed because no store had room for them, or took them. */
    int noRoom() {
        return noRoom;
    }

    /** Whether somebody waited for one of the pages. */
    boolean waitedFor() {
        return waitedFor;
    }

    /** Moves the pages of {@code [first, end)} that are in the store; returns where to go on. The source is in flight. */
    long move(long first, long end) {
        long next = gather(first, end);
        if (transfer.count() > 0) {
            read();
            write();
            commit();
            parts.figures().clusters.increment();
        }
        return next;
    }

    private boolean isCurrent() {
        return SwapMaps.of(object) == map && !object.has(ObjectFlags.DEAD);
    }

    private long gather(long first, long end) {
        object.lock().lock();
        long pindex = first;
        if (!isCurrent()) {
            // The slots of an object on its way out are freed soon.
            pindex = end;
        }
        while (pindex < end && transfer.count() < BackingStore.MAX_RUN) {
            long location = map.location(pindex);
            if (Location.store(location) == source.number && !unreadable.contains(location)) {
                take(pindex, location);
            }
            pindex++;
        }
        object.pipAdd(transfer.count());
        object.lock().unlock();
        return pindex;
    }

    private void take(long pindex, long location) {
        if (map.stamp(pindex) == Stamp.RESERVED) {
            // Nothing was ever written there.
            parts.maps().remove(map, pindex);
            moved++;
            return;
        }
        @Nullable Page page = object.pages().lookup(pindex);
        boolean resident = page != null;
        if (page == null) {
            page = placeholder(pindex);
        } else if (page.busied()) {
            page = null;
        } else {
            page.testDirty();
            if (page.dirty() != 0) {
                // The copy in swap is worthless.
                parts.maps().remove(map, pindex);
                moved++;
                return;
            }
            page.xbusy();
        }
        if (page == null) {
            putOff++;
            return;
        }
        int i = transfer.count();
        placeholder[i] = !resident;
        from[i] = location;
        transfer.add(page, map.stamp(pindex));
    }

    /** A page for what is not resident; one comes from the reserve if need be, so that a drain gets on when memory is short. */
    private @Nullable Page placeholder(long pindex) {
        @Nullable Page page = parts.pages().alloc(object, pindex, Alloc.NORMAL);
        return page == null && transfer.count() == 0 ? parts.pages().alloc(object, pindex, Alloc.SYSTEM) : page;
    }

    private void read() {
        int n;
        for (int i = 0; i < transfer.count(); i += n) {
            n = 1;
            while (i + n < transfer.count() && from[i + n] == from[i] + n) {
                n++;
            }
            parts.transfers().read(source, from[i], transfer, i, n);
        }
    }

    /** Writes what was read to other stores, as far as they take it. */
    private void write() {
        int n;
        for (int i = 0; i < transfer.count(); i += n) {
            n = 1;
            while (transfer.good(i) && i + n < transfer.count() && transfer.good(i + n)) {
                n++;
            }
            if (transfer.good(i)) {
                writeRun(i, n);
            }
        }
    }

    private void writeRun(int first, int count) {
        Set<StoreEntry> failed = new HashSet<>(Set.of(source));
        int end = first + count;
        int n = count;
        for (int i = first; i < end && n > 0; ) {
            n = Math.min(n, end - i);
            long location = parts.space().allocate(n, failed, source);
            if (location == Location.NONE) {
                n >>= 1;
            } else if (parts.transfers().write(location, transfer, i, n)) {
                runs.add(location);
                for (int k = 0; k < n; k++) {
                    to[i + k] = location + k;
                }
                i += n;
            } else {
                failed.add(parts.space().storeOf(location));
                parts.space().free(location, n);
                parts.space().leave(location);
            }
        }
    }

    private void commit() {
        for (int i = 0; i < transfer.count(); i++) {
            brought[i] = bringsIn(i);
            if (brought[i]) {
                parts.transfers().fill(transfer, i);
            }
        }
        object.lock().lock();
        for (int i = 0; i < transfer.count(); i++) {
            settle(i);
            release(i);
        }
        object.pipWakeup(transfer.count());
        object.lock().unlock();
        runs.forEach(parts.space()::leave);
    }

    /** Whether the page comes to memory because no store took it; its placeholder is nobody else's. */
    private boolean bringsIn(int i) {
        return to[i] == Location.NONE
                && placeholder[i]
                && transfer.page(i).valid() == 0
                && transfer.good(i)
                && toMemory
                && parts.pages().counts().available() > parts.pages().limits().freeTarget();
    }

    /** Decides where the page is from now on: the entry, if it is still the same, follows. */
    private void settle(int i) {
        Page page = transfer.page(i);
        long pindex = page.pindex();
        boolean same = map.location(pindex) == from[i] && map.stamp(pindex) == transfer.stamp(i);
        boolean inMemory = page.valid() == Page.ALL;
        if (to[i] != Location.NONE) {
            if (same) {
                parts.maps().put(map, pindex, to[i], transfer.stamp(i));
                moved++;
            } else {
                parts.space().free(to[i], 1);
            }
        } else if (!same) {
            return;
        } else if (brought[i] || (inMemory && (toMemory || !transfer.good(i)))) {
            page.setValid(Page.ALL);
            page.makeDirty();
            parts.maps().remove(map, pindex);
            moved++;
        } else if (!transfer.good(i)) {
            report(pindex, from[i]);
        } else {
            noRoom++;
        }
    }

    private void report(long pindex, long location) {
        unreadable.add(location);
        parts.figures().unreadable.increment();
        LOG.error(
                "object {} page {} cannot be read and stays in store {}, slot {}",
                object.id(),
                pindex,
                source,
                Location.slot(location));
    }

    private void release(int i) {
        Page page = transfer.page(i);
        waitedFor |= page.hasBusyWaiters();
        if (placeholder[i] && page.valid() == 0) {
            SwapTransfers.release(parts.pages(), page);
            return;
        }
        if (placeholder[i]) {
            page.deactivate();
        }
        page.xunbusy();
    }
}
