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
 * <p>Nobody waits for it: no page is busy and no lock is held during I/O. What the slots hold is written elsewhere, and
 * then each entry that still says what it said before names the copy; whatever else happened to the page meanwhile has
 * happened. The version stays: the contents are the same. A page-in that was reading the old slot finds its entry
 * changed, and looks again.
 */
final class Cluster {
    private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);

    private final MovingParts parts;
    private final StoreEntry source;
    private final boolean toMemory;
    private final Transfer transfer;
    private final LocationMap map;
    private final VmObject object;
    private final long[] pindexes = new long[BackingStore.MAX_RUN];
    private final long[] from = new long[BackingStore.MAX_RUN];
    private final long[] to = new long[BackingStore.MAX_RUN];
    private final LongList runs = new LongList();

    private int moved;
    private int putOff;
    private int noRoom;

    /**
     * A move of pages of {@code map}'s object.
     *
     * @param transfer the caller's, reset for that object
     * @param toMemory whether pages that no store takes are brought to memory while there is enough of it
     */
    Cluster(MovingParts parts, StoreEntry source, LocationMap map, Transfer transfer, boolean toMemory) {
        this.parts = parts;
        this.source = source;
        this.map = map;
        this.object = map.object;
        this.transfer = transfer;
        this.toMemory = toMemory;
    }

    /** Pages that are out of the store now. */
    int moved() {
        return moved;
    }

    /** Pages that somebody else had busy. */
    int putOff() {
        return putOff;
    }

    /** Pages that stayed because no store had room for them, or took them. */
    int noRoom() {
        return noRoom;
    }

    /**
     * Moves the pages of {@code [first, end)} that are in the store; returns where to go on. The source is in flight.
     */
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
            if (Location.store(location) == source.number && !source.unreadable.contains(location)) {
                take(pindex, location);
            }
            pindex++;
        }
        object.lock().unlock();
        return pindex;
    }

    private void take(long pindex, long location) {
        long stamp = map.stamp(pindex);
        @Nullable Page page = object.pages().lookup(pindex);
        if (stamp != Stamp.RESERVED && page != null && page.busied()) {
            // It may be on its way into this very slot.
            putOff++;
        } else if (stamp == Stamp.RESERVED || (page != null && isDirty(page))) {
            // Nothing was ever written there, or it is worthless by now.
            parts.maps().remove(map, pindex);
            moved++;
        } else {
            int i = transfer.count();
            pindexes[i] = pindex;
            from[i] = location;
            transfer.add(stamp);
        }
    }

    private static boolean isDirty(Page page) {
        page.testDirty();
        return page.dirty() != 0;
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
        object.lock().lock();
        for (int i = 0; i < transfer.count(); i++) {
            settle(i);
        }
        object.lock().unlock();
        runs.forEach(parts.space()::leave);
    }

    /** Decides where the page is from now on: the entry, if it is still the same, follows. */
    private void settle(int i) {
        long pindex = pindexes[i];
        boolean same = map.location(pindex) == from[i] && map.stamp(pindex) == transfer.stamp(i);
        if (to[i] == Location.NONE) {
            if (same) {
                keep(i);
            }
        } else if (same) {
            parts.maps().put(map, pindex, to[i], transfer.stamp(i));
            moved++;
        } else {
            parts.space().free(to[i], 1);
        }
    }

    /**
     * Decides what becomes of a page that cannot be read, or that no store took: a copy in memory may be the only one.
     */
    private void keep(int i) {
        @Nullable Page page = object.pages().lookup(pindexes[i]);
        if (page != null && page.busied()) {
            putOff++;
            return;
        }
        if (toMemory || !transfer.good(i)) {
            page = page == null ? bringIn(i) : page;
            if (page != null && page.valid() == Page.ALL) {
                page.makeDirty();
                parts.maps().remove(map, pindexes[i]);
                moved++;
                return;
            }
        }
        if (transfer.good(i)) {
            noRoom++;
        } else {
            report(pindexes[i], from[i]);
        }
    }

    /** Brings a page to memory while there is enough of it; one that cannot be read may be cached there. */
    private @Nullable Page bringIn(int i) {
        boolean room =
                parts.pages().counts().available() > parts.pages().limits().freeTarget();
        int request = transfer.good(i) && room ? Alloc.NORMAL : Alloc.NORMAL | Alloc.IFCACHED;
        @Nullable Page page = isCurrent() ? parts.pages().alloc(object, pindexes[i], request) : null;
        if (page != null) {
            if (page.valid() == 0) {
                parts.transfers().fill(transfer, i, page);
                page.setValid(Page.ALL);
            }
            page.deactivate();
            page.xunbusy();
        }
        return page;
    }

    private void report(long pindex, long location) {
        source.unreadable.add(location);
        parts.figures().unreadable.increment();
        LOG.error(
                "object {} page {} cannot be read and stays in store {}, slot {}",
                object.id(),
                pindex,
                source,
                Location.slot(location));
    }
}
