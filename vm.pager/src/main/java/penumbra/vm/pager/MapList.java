// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * All location maps there are, so that swapoff and checks find the pages of a store without knowing objects.
 * Thread-safe.
 */
final class MapList {
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "location map list");
    private final Holdings holdings = new Holdings();
    private @Nullable LocationMap first;
    private int size;

    /** Which of their blocks have pages in which store. */
    Holdings holdings() {
        return holdings;
    }

    void add(LocationMap map) {
        lock.lock();
        map.following = first;
        if (first != null) {
            first.previous = map;
        }
        first = map;
        size++;
        lock.unlock();
    }

    void remove(LocationMap map) {
        lock.lock();
        if (map.previous == null) {
            first = map.following;
        } else {
            map.previous.following = map.following;
        }
        if (map.following != null) {
            map.following.previous = map.previous;
        }
        map.previous = null;
        map.following = null;
        size--;
        lock.unlock();
    }

    /** The maps of this moment, newest first; some may be gone and others there by the time they are looked at. */
    List<LocationMap> snapshot() {
        lock.lock();
        List<LocationMap> maps = new ArrayList<>(size);
        for (@Nullable LocationMap map = first; map != null; map = map.following) {
            maps.add(map);
        }
        lock.unlock();
        return maps;
    }
}
