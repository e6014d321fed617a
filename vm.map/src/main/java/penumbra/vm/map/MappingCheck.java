// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.MmuMapping;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.PageRun;

/** The invariants between entries, the mappings that CPUs use, and the pages that are mapped and wired. */
final class MappingCheck {
    private final Layers layers;
    private final Violations violations;
    private final List<Holder> holders;
    private final IdentityHashMap<Page, Integer> wirings = new IdentityHashMap<>();

    MappingCheck(Layers layers, Violations violations, List<Holder> holders) {
        this.layers = layers;
        this.violations = violations;
        this.holders = holders;
    }

    private record Mapping(long address, int frame, int prot, int attributes) {
        boolean has(int attribute) {
            return (attributes & attribute) != 0;
        }

        @Override
        public String toString() {
            return String.format("mapping of %#x to frame %#x (prot %d, %#x)", address, frame, prot, attributes);
        }
    }

    /** Checks each mapping of the space against its entry, and remembers what the entries wire. */
    void checkSpace(Space space) {
        List<Mapping> mappings = new ArrayList<>();
        space.pmap()
                .forEach((page, frame, prot, attributes) ->
                        mappings.add(new Mapping(PageSize.bytes(page), frame, prot, attributes)));
        space.lockShared();
        for (Mapping mapping : mappings) {
            if (mapping.address >= space.min() && mapping.address < space.max()) {
                checkMapping(space, mapping);
            }
        }
        for (Entry entry = space.tree().first(); entry != null; entry = entry.next) {
            if (entry.wired > 0) {
                noteWired(entry);
            }
        }
        space.unlock();
    }

    private void checkMapping(Space space, Mapping mapping) {
        Entry entry = space.tree().at(mapping.address);
        VmObject top = entry == null ? null : entry.object;
        if (entry == null || top == null) {
            if (entry == null || entry.submap == null) {
                violations.report("%s, where no object is mapped: %s", mapping, entry);
            }
            return;
        }
        if (mapping.has(MmuMapping.WIRED) != entry.wired > 0) {
            violations.report("%s, by %s wired %d times", mapping, entry, entry.wired);
        }
        if ((mapping.prot & Prot.WRITE & ~entry.mappable()) != 0) {
            violations.report("%s is writeable, its entry is not: %s", mapping, entry);
        }
        Page page = layers.pages().pageOfFrame(mapping.frame);
        if (page != null && mapping.has(MmuMapping.MANAGED)) {
            checkPage(mapping, entry, top, page);
        }
    }

    /**
     * Whether the mapped page is the one that the chain shows, and may be written only if the chain's first object has
     * it.
     */
    private void checkPage(Mapping mapping, Entry entry, VmObject top, Page page) {
        long pindex = entry.pindexOf(mapping.address);
        VmObject object = top;
        while (page.owner() != object || page.pindex() != pindex) {
            VmObject behind = object.backing();
            if (behind == null) {
                violations.report("%s, which the chain of %s does not have: page %s", mapping, entry, page);
                return;
            }
            if (hides(object, pindex)) {
                violations.report("%s, a page that page %d of %s hides", mapping, pindex, object);
                return;
            }
            pindex += object.backingOffset();
            object = behind;
        }
        if ((mapping.prot & Prot.WRITE) != 0 && (object != top || !page.writeable())) {
            violations.report("%s is writeable, the page is in %s behind %s", mapping, object, top);
        }
        if (page.valid() != Page.ALL) {
            violations.report("%s, a page with valid bits %#x", mapping, page.valid());
        }
    }

    /** Whether {@code object} has contents of its own at {@code pindex}. */
    private boolean hides(VmObject object, long pindex) {
        object.lock().lock();
        Page own = object.pages().lookup(pindex);
        boolean swapped = object.type() == ObjectType.SWAP
                && PageRun.present(layers.swap().hasPage(object, pindex));
        object.lock().unlock();
        return (own != null && own.valid() != 0) || swapped;
    }

    private void noteWired(Entry entry) {
        if (entry.object == null || WiredPages.fictitious(entry)) {
            return;
        }
        for (long pindex = entry.offset; pindex < entry.offset + entry.pages(); pindex++) {
            Page page = shown(entry.object, pindex);
            if (page != null) {
                wirings.merge(page, 1, Integer::sum);
            }
        }
    }

    private static @Nullable Page shown(VmObject top, long pindex) {
        VmObject object = top;
        long index = pindex;
        while (object != null) {
            object.lock().lock();
            Page page = object.pages().lookup(index);
            object.lock().unlock();
            if (page != null) {
                return page;
            }
            index += object.backingOffset();
            object = object.backing();
        }
        return null;
    }

    /** Checks that pages are wired as often as entries and holders say. */
    void checkWirings(List<VmObject> objects) {
        for (VmObject object : objects) {
            boolean kernels = object == layers.objects().kernelObject()
                    || object == layers.objects().kmemObject();
            if (!kernels && !object.has(ObjectFlags.FICTITIOUS | ObjectFlags.UNMANAGED)) {
                object.lock().lock();
                for (Page page = object.pages().first();
                        page != null;
                        page = object.pages().after(page)) {
                    checkWired(object, page);
                }
                object.lock().unlock();
            }
        }
    }

    private void checkWired(VmObject object, Page page) {
        int held = wirings.getOrDefault(page, 0);
        for (Holder holder : holders) {
            held += holder.wirings(page);
        }
        if (page.wireCount() != held) {
            violations.report(
                    "page %d of %s is wired %d times, by entries and holders %d times",
                    page.pindex(), object, page.wireCount(), held);
        }
    }
}
