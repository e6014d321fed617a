// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.Arrays;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;

/** Which pages of a range are in memory, and how they were used ({@code mincore}). */
final class Incore {
    private final Space space;
    private final Layers layers;
    private final long start;
    private final long end;
    private final byte[] states;

    Incore(Space space, long start, long end, byte[] states) {
        this.space = space;
        this.layers = space.layers();
        this.start = PageSize.floor(start);
        this.end = PageSize.ceiling(end);
        this.states = states;
    }

    /** INVALID_ADDRESS where something is not mapped; INVALID_ARGUMENT when there is no room for the answer. */
    KernReturn run() {
        if (end < start || states.length < PageSize.index(end - start)) {
            return KernReturn.INVALID_ARGUMENT;
        }
        if (start < space.min() || end > space.max()) {
            return KernReturn.INVALID_ADDRESS;
        }
        Arrays.fill(states, 0, index(end), (byte) 0);
        space.lockShared();
        long at = start;
        for (Entry entry = space.tree().at(start); entry != null && at < end; entry = entry.next) {
            if (entry.start > at) {
                break;
            }
            long to = Math.min(end, entry.end);
            if (entry.object != null) {
                scan(entry, entry.object, at, to);
            }
            at = to;
        }
        space.unlock();
        return at < end ? KernReturn.INVALID_ADDRESS : KernReturn.SUCCESS;
    }

    private int index(long address) {
        return (int) PageSize.index(address - start);
    }

    /** What this space's own mapping tells. */
    private int mapped(long address) {
        long mapping = space.pmap().mapping(address);
        if (mapping == MmuMapping.NONE) {
            return 0;
        }
        int attributes = MmuMapping.attributes(mapping);
        int state = MapFlags.MINCORE_INCORE;
        if ((attributes & MmuMapping.ACCESSED) != 0) {
            state |= MapFlags.MINCORE_REFERENCED | MapFlags.MINCORE_REFERENCED_OTHER;
        }
        if ((attributes & MmuMapping.MODIFIED) != 0) {
            state |= MapFlags.MINCORE_MODIFIED | MapFlags.MINCORE_MODIFIED_OTHER;
        }
        return state;
    }

    /** Adds what others did to the pages, and the pages that this space has not mapped. */
    private void scan(Entry entry, VmObject object, long from, long to) {
        object.lock().lock();
        for (long address = from; address < to; address += PageSize.BYTES) {
            int state = mapped(address);
            Page page = object.pages().lookup(entry.pindexOf(address));
            if (page != null && page.valid() != 0) {
                state |= MapFlags.MINCORE_INCORE | usedByAnybody(page);
            } else if (state == 0 && layers.pages().isCached(object, entry.pindexOf(address))) {
                state = MapFlags.MINCORE_INCORE;
            }
            states[index(address)] = (byte) state;
        }
        object.lock().unlock();
    }

    private int usedByAnybody(Page page) {
        int state = 0;
        page.testDirty();
        if (page.dirty() != 0) {
            state |= MapFlags.MINCORE_MODIFIED_OTHER;
        }
        if ((page.aflags() & PageFlags.A_REFERENCED) != 0 || layers.pmaps().isReferenced(page)) {
            state |= MapFlags.MINCORE_REFERENCED_OTHER;
        }
        return state;
    }
}
