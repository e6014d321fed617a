// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.kern.Apart;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageFlags;

/** Mapping what is in memory around a fault, so that it faults no more ({@code vm_fault_prefault}). */
final class Prefault extends Apart {
    /** Pages tried on either side when nothing was read ({@code PFBAK}, {@code PFFOR}). */
    private static final int AROUND = 4;

    /**
     * Maps pages around {@code address} for reading, nearest first and below before above, up to the first that is
     * nowhere in memory. The space's lock is held, no object's.
     *
     * @param read what the fault read: exactly that is mapped if it read anything
     */
    void around(Pmap pmap, Entry entry, long address, ReadAhead read) {
        int backward = read.count() > 0 ? read.requested() : AROUND;
        int forward = read.count() > 0 ? read.count() - read.requested() - 1 : AROUND;
        int below = (int) Math.min(backward, PageSize.index(address - entry.start));
        int above = (int) Math.min(forward, PageSize.index(entry.end - address) - 1);
        VmObject top = entry.object;
        if (top == null || below + above == 0) {
            return;
        }
        long first = address - PageSize.bytes(below);
        long empty = pmap.prefaultable(first, below + 1 + above);
        for (int distance = 1; distance <= Math.max(below, above) && empty != 0; distance++) {
            if (distance <= below && (empty >>> below - distance & 1) != 0) {
                if (!map(pmap, entry, top, address - PageSize.bytes(distance))) {
                    return;
                }
            }
            if (distance <= above && (empty >>> below + distance & 1) != 0) {
                if (!map(pmap, entry, top, address + PageSize.bytes(distance))) {
                    return;
                }
            }
        }
    }

    /** Maps the page at {@code address} if it is fit for that; returns whether there is one. */
    private static boolean map(Pmap pmap, Entry entry, VmObject top, long address) {
        VmObject object = top;
        long pindex = entry.pindexOf(address);
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        while (page == null && object.type() == ObjectType.DEFAULT) {
            @Nullable VmObject behind = object.backing();
            if (behind == null) {
                break;
            }
            pindex += object.backingOffset();
            behind.lock().lock();
            object.lock().unlock();
            object = behind;
            page = object.pages().lookup(pindex);
        }
        if (page != null && page.valid() == Page.ALL && (page.flags() & PageFlags.FICTITIOUS) == 0 && !page.xbusied()) {
            pmap.enterQuick(address, page, entry.prot);
        }
        object.lock().unlock();
        return page != null;
    }
}
