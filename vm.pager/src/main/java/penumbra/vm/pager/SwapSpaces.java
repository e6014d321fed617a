// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.pager.BackingStore;
import penumbra.pager.SwapSpace;

/** The swap pager as objects see it: operations on location maps, and the figures of the stores. */
final class SwapSpaces implements SwapSpace {
    private final SwapMaps maps;
    private final StoreTable stores;
    private final StoreSpace space;
    private final SwapPager pager;
    private final SwapTransfers transfers;
    private final SwapOff swapOff;
    private final Drains drains;

    SwapSpaces(MovingParts parts, StoreTable stores, SwapPager pager, SwapOff swapOff, Drains drains) {
        this.maps = parts.maps();
        this.space = parts.space();
        this.transfers = parts.transfers();
        this.stores = stores;
        this.drains = drains;
        this.pager = pager;
        this.swapOff = swapOff;
    }

    @Override
    public void freeSpace(VmObject object, long start, long count) {
        object.lock().assertHeld();
        @Nullable LocationMap map = SwapMaps.of(object);
        if (map != null && count == 1) {
            maps.remove(map, start);
        } else if (map != null && count > 0) {
            maps.removeRange(map, start, end(start, count));
        }
    }

    @Override
    public boolean reserve(VmObject object, long start, long count) {
        object.lock().lock();
        try {
            LocationMap map = maps.convert(object);
            long missing = 0;
            for (long p = start; p < end(start, count); p++) {
                missing += map.location(p) == Location.NONE ? 1 : 0;
            }
            LongList slots = new LongList();
            LongList runs = new LongList();
            boolean all = allocate(missing, slots, runs);
            long[] next = {start};
            slots.forEach(location -> {
                if (all) {
                    next[0] = firstWithout(map, next[0]);
                    maps.put(map, next[0], location, Stamp.RESERVED);
                } else {
                    space.free(location, 1);
                }
            });
            runs.forEach(space::leave);
            return all;
        } finally {
            object.lock().unlock();
        }
    }

    /** Takes {@code count} slots in runs as long as can be had; false when there are not enough. */
    private boolean allocate(long count, LongList slots, LongList runs) {
        long left = count;
        int n = BLOCK_PAGES;
        while (left > 0 && n > 0) {
            n = (int) Math.min(n, left);
            long location = space.allocate(n);
            if (location == Location.NONE) {
                n >>= 1;
            } else {
                slots.addRun(location, n);
                runs.add(location);
                left -= n;
            }
        }
        return left == 0;
    }

    private static long firstWithout(LocationMap map, long from) {
        long p = from;
        while (map.location(p) != Location.NONE) {
            p++;
        }
        return p;
    }

    private static long end(long start, long count) {
        return start + count < start ? Long.MAX_VALUE : start + count;
    }

    @Override
    public void copy(VmObject source, VmObject destination, long offset, boolean destroySource) {
        source.lock().assertHeld();
        destination.lock().assertHeld();
        @Nullable LocationMap from = SwapMaps.of(source);
        if (from != null) {
            maps.move(from, destination, offset);
        }
        if (destroySource) {
            maps.giveUp(source, ObjectType.DEFAULT);
        }
    }

    @Override
    public long hasPage(VmObject object, long pindex) {
        return pager.hasPage(object, pindex);
    }

    @Override
    public int blocks(VmObject object) {
        @Nullable LocationMap map = SwapMaps.of(object);
        return map == null ? 0 : map.blocks();
    }

    @Override
    public long pages(VmObject object) {
        @Nullable LocationMap map = SwapMaps.of(object);
        return map == null ? 0 : map.pages();
    }

    @Override
    public void forEach(VmObject object, SwappedPageVisitor visitor) {
        @Nullable LocationMap map = SwapMaps.of(object);
        if (map == null) {
            return;
        }
        for (long p = map.next(0); p >= 0; p = map.next(p + 1)) {
            long location = map.location(p);
            long stamp = map.stamp(p);
            visitor.swapped(
                    p,
                    stores.entry(location).store,
                    Location.slot(location),
                    Integer.toUnsignedLong(Stamp.version(stamp)),
                    Stamp.checksum(stamp));
        }
    }

    @Override
    public long total() {
        return space.total();
    }

    @Override
    public long available() {
        return space.available();
    }

    @Override
    public boolean almostFull() {
        return stores.figures.almostFull();
    }

    @Override
    public boolean full() {
        return stores.figures.full();
    }

    @Override
    public boolean present() {
        return stores.present();
    }

    @Override
    public boolean awaitsReturn() {
        return stores.awaitsReturn(transfers.parkedNanos());
    }

    @Override
    public List<BackingStore> stores() {
        return stores.stores();
    }

    @Override
    public KernReturn swapOff(BackingStore store) {
        return swapOff.run(store);
    }

    @Override
    public KernReturn swapOn(BackingStore store) {
        return drains.swapOn(store);
    }

    @Override
    public KernReturn use(BackingStore store) {
        return drains.use(store);
    }

    @Override
    public KernReturn drain(BackingStore store) {
        return drains.drain(store);
    }

    @Override
    public boolean drainStep() {
        return drains.step();
    }

    @Override
    public void awaitDrained() {
        drains.await();
    }

    @Override
    public void setProbe(@Nullable TransferProbe probe) {
        transfers.setProbe(probe);
    }
}
