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
    private final SwapPager pager;
    private final SwapTransfers transfers;
    private final SwapOff swapOff;

    SwapSpaces(SwapMaps maps, StoreTable stores, SwapPager pager, SwapTransfers transfers, SwapOff swapOff) {
        this.maps = maps;
        this.stores = stores;
        this.pager = pager;
        this.transfers = transfers;
        this.swapOff = swapOff;
    }

    @Override
    public void freeSpace(VmObject object, long start, long count) {
        object.lock().assertHeld();
        @Nullable LocationMap map = SwapMaps.of(object);
        if (map != null && count > 0) {
            maps.removeRange(map, start, end(start, count));
        }
    }

    @Override
    public boolean reserve(VmObject object, long start, long count) {
        object.lock().lock();
        try {
            LocationMap map = maps.convert(object);
            long end = end(start, count);
            long at = start;
            while (at < end) {
                int n = (int) Math.min(BLOCK_PAGES, end - at);
                long location;
                while ((location = stores.allocate(n)) == Location.NONE && n > 1) {
                    n >>= 1;
                }
                if (location == Location.NONE) {
                    maps.removeRange(map, start, at);
                    return false;
                }
                for (int i = 0; i < n; i++) {
                    maps.put(map, at + i, location + i, Stamp.RESERVED);
                }
                stores.leave(location);
                at += n;
            }
            return true;
        } finally {
            object.lock().unlock();
        }
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
        return stores.total();
    }

    @Override
    public long available() {
        return stores.available();
    }

    @Override
    public boolean almostFull() {
        return stores.almostFull();
    }

    @Override
    public boolean full() {
        return stores.full();
    }

    @Override
    public boolean present() {
        return stores.present();
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
    public void setProbe(@Nullable TransferProbe probe) {
        transfers.setProbe(probe);
    }
}
