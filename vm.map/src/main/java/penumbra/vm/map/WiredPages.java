// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.kern.KernelLock;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageOwner;

/** Taking the wirings of mappings back from their pages ({@code vm_fault_unwire}, {@code vm_object_unwire}). */
final class WiredPages {
    private final Layers layers;
    private final Pmap pmap;

    WiredPages(Layers layers, Pmap pmap) {
        this.layers = layers;
        this.pmap = pmap;
    }

    /** Whether the pages of the entry's object are not counted as wired, because they always are. */
    static boolean fictitious(Entry entry) {
        VmObject object = entry.object;
        return object != null && object.has(ObjectFlags.FICTITIOUS);
    }

    /** Unwires the pages of an entry, also those whose mappings are gone. Space's lock held. */
    void unwire(Entry entry) {
        boolean fictitious = fictitious(entry);
        VmObject object = entry.object;
        for (long address = entry.start; address < entry.end; address += PageSize.BYTES) {
            boolean mapped = unwireMapped(address, fictitious);
            if (!mapped && !fictitious && object != null && layers.corrected()) {
                unwireResident(object, entry.pindexOf(address));
            }
        }
    }

    /** Unwires the pages mapped in a range. */
    void unwire(long start, long end, boolean fictitious) {
        for (long address = start; address < end; address += PageSize.BYTES) {
            unwireMapped(address, fictitious);
        }
    }

    private boolean unwireMapped(long address, boolean fictitious) {
        int frame = pmap.extract(address);
        if (frame < 0) {
            return false;
        }
        pmap.changeWiring(address, false);
        Page page = fictitious ? null : layers.pages().pageOfFrame(frame);
        if (page != null) {
            KernelLock owner = lockOwner(page);
            page.unwire(true);
            if (owner != null) {
                owner.unlock();
            }
        }
        return true;
    }

    /** Locks whoever owns the page now; null when nobody does. */
    private static @Nullable KernelLock lockOwner(Page page) {
        for (; ; ) {
            PageOwner owner = page.owner();
            if (owner == null) {
                return null;
            }
            owner.lock().lock();
            if (page.owner() == owner) {
                return owner.lock();
            }
            owner.lock().unlock();
        }
    }

    /**
     * Unwires the page that the chain of {@code object} shows at {@code pindex}: its mapping is gone, its wiring is
     * not.
     */
    private void unwireResident(VmObject object, long pindex) {
        VmObject at = object;
        long index = pindex;
        at.lock().lock();
        Page page = at.pages().lookup(index);
        VmObject behind = at.backing();
        while (page == null && behind != null) {
            behind.lock().lock();
            index += at.backingOffset();
            at.lock().unlock();
            at = behind;
            page = at.pages().lookup(index);
            behind = at.backing();
        }
        if (page != null && page.wireCount() > 0) {
            page.unwire(true);
            if (page.wireCount() == 0 && page.valid() == 0 && !page.busied()) {
                // Its contents went while it was wired.
                layers.pages().free(page);
            }
        }
        at.lock().unlock();
    }
}
