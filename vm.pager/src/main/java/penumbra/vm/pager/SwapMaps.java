// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * The location maps of all objects: made when a default object becomes a swap object, given up when it stops being one,
 * and kept in step with the stores, which get every slot back that an entry let go ({@code swp_pager_meta_*}).
 */
final class SwapMaps {
    private final StoreSpace space;
    private final MapList list;
    private final KernelLock handleLock = new KernelLock(LockRank.LEAF, "swap object handles");
    private final IdentityHashMap<Object, VmObject> byHandle = new IdentityHashMap<>();

    SwapMaps(StoreSpace space, MapList list) {
        this.space = space;
        this.list = list;
    }

    /** Gives back the slots of entries that went, adjacent ones in one call. */
    private final class Freeing implements LocationMap.Freed {
        private long first;
        private int count;

        @Override
        public void slot(long location) {
            if (count > 0 && location == first + count) {
                count++;
            } else {
                finish();
                first = location;
                count = 1;
            }
        }

        void finish() {
            if (count > 0) {
                space.free(first, count);
                count = 0;
            }
        }
    }

    /** The object's map; null unless it is a swap object. Locked. */
    static @Nullable LocationMap of(VmObject object) {
        return object.type() == ObjectType.SWAP ? (LocationMap) object.pagerState() : null;
    }

    /** The object's map; a default object becomes a swap object. Locked. */
    LocationMap convert(VmObject object) {
        @Nullable LocationMap there = of(object);
        if (there != null) {
            return there;
        }
        if (object.type() != ObjectType.DEFAULT) {
            throw new KernelPanic("swap: object %d is of type %s", object.id(), object.type());
        }
        LocationMap map = new LocationMap(object, list.holdings());
        object.setPagerState(map);
        object.setType(ObjectType.SWAP);
        list.add(map);
        @Nullable Object handle = object.handle();
        if (handle != null) {
            handleLock.lock();
            byHandle.put(handle, object);
            handleLock.unlock();
        }
        return map;
    }

    /** Frees what the object has in swap and takes its map away; its type becomes {@code type}. Locked. */
    void giveUp(VmObject object, ObjectType type) {
        @Nullable LocationMap map = of(object);
        if (map != null) {
            Freeing freeing = new Freeing();
            map.removeAll(freeing);
            freeing.finish();
            list.remove(map);
            object.setPagerState(null);
            @Nullable Object handle = object.handle();
            if (handle != null) {
                handleLock.lock();
                byHandle.remove(handle, object);
                handleLock.unlock();
            }
        }
        object.setType(type);
    }

    /** The swap object of {@code handle}, not referenced; it may be dying. No lock. */
    @Nullable
    VmObject find(Object handle) {
        handleLock.lock();
        @Nullable VmObject object = byHandle.get(handle);
        handleLock.unlock();
        return object;
    }

    /** Enters a page; the slot that it had goes back. Locked. */
    void put(LocationMap map, long pindex, long location, long stamp) {
        long old = map.put(pindex, location, stamp);
        if (old != Location.NONE) {
            space.free(old, 1);
        }
    }

    /** Takes out a page; its slot goes back. Locked. */
    void remove(LocationMap map, long pindex) {
        if (map.location(pindex) != Location.NONE) {
            space.free(map.remove(pindex), 1);
        }
    }

    /** Takes out the pages of {@code [start, end)}; their slots go back. Locked. */
    void removeRange(LocationMap map, long start, long end) {
        Freeing freeing = new Freeing();
        map.removeRange(start, end, freeing);
        freeing.finish();
    }

    /**
     * Moves the entries of {@code [offset, offset + to.size())} that {@code to} lacks, and frees the others. Both
     * locked.
     */
    void move(LocationMap from, VmObject to, long offset) {
        long end = offset + to.size();
        for (long p = from.next(offset); p >= 0 && p < end; p = from.next(p + 1)) {
            @Nullable LocationMap target = of(to);
            if (target != null && target.location(p - offset) != Location.NONE) {
                remove(from, p);
            } else {
                long stamp = from.stamp(p);
                convert(to).put(p - offset, from.remove(p), stamp);
            }
        }
    }

    /** The map of the page's owner; null when its owner is no swap object. Locked. */
    static @Nullable LocationMap of(Page page) {
        return page.owner() instanceof VmObject object ? of(object) : null;
    }

    MapList list() {
        return list;
    }
}
