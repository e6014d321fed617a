// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.PageSize;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;

/** The invariants of address spaces: their entries, and what these owe to objects and to the ledger of swap. */
final class MapCheck {
    private final Layers layers;
    private final Set<Space> spaces = Collections.newSetFromMap(new IdentityHashMap<>());
    private final IdentityHashMap<VmObject, List<Entry>> mappings = new IdentityHashMap<>();
    private final Violations violations;
    private final List<Holder> holders;
    private long charged;

    MapCheck(Layers layers, Violations violations, List<Holder> holders) {
        this.layers = layers;
        this.violations = violations;
        this.holders = holders;
    }

    /** Checks {@code all} spaces and their submaps. */
    void run(Iterable<Space> all) {
        for (Space space : all) {
            checkSpace(space);
        }
        for (VmObject object : objects()) {
            checkReferences(object);
            charged += object.charge();
        }
        if (charged != layers.accounting().reserved()) {
            violations.report(
                    "objects and entries are charged %d bytes, %d are reserved",
                    charged, layers.accounting().reserved());
        }
        MappingCheck mapped = new MappingCheck(layers, violations, holders);
        for (Space space : spaces) {
            mapped.checkSpace(space);
        }
        mapped.checkWirings(objects());
    }

    private List<VmObject> objects() {
        List<VmObject> objects = new ArrayList<>();
        layers.objects().forEach(objects::add);
        return objects;
    }

    private void checkSpace(Space space) {
        if (!spaces.add(space)) {
            return;
        }
        List<Space> submaps = new ArrayList<>();
        space.lockShared();
        space.tree().check(violations);
        Entry previous = null;
        long size = 0;
        for (Entry entry = space.tree().first(); entry != null; entry = entry.next) {
            checkEntry(space, previous, entry);
            size += entry.length();
            previous = entry;
            if (entry.submap != null) {
                submaps.add(entry.submap);
            }
        }
        if (size != space.size()) {
            violations.report("a space of %d bytes has entries of %d", space.size(), size);
        }
        space.unlock();
        submaps.forEach(this::checkSpace);
    }

    private void checkEntry(Space space, @Nullable Entry previous, Entry entry) {
        boolean ordered = previous == null || previous.end <= entry.start;
        boolean inside = entry.start >= space.min() && entry.end <= space.max();
        boolean aligned = ((entry.start | entry.end) & PageSize.MASK) == 0;
        if (!ordered || !inside || !aligned || entry.start >= entry.end) {
            violations.report("%s after %s is out of order or bounds", entry, previous);
        }
        if ((entry.prot & ~entry.maxProt) != 0) {
            violations.report("%s has protection %d beyond its maximum %d", entry, entry.prot, entry.maxProt);
        }
        if (entry.has(Entry.IN_TRANSITION | Entry.NEEDS_WAKEUP | Entry.WIRE_SKIPPED) || entry.wiringThread != null) {
            violations.report("%s is in transition at rest", entry);
        }
        if (entry.wired < 0 || entry.systemWired() < 0) {
            violations.report("%s is wired %d times", entry, entry.wired);
        }
        checkCharge(entry);
        if (entry.object != null) {
            mappings.computeIfAbsent(entry.object, object -> new ArrayList<>()).add(new Entry(entry));
        }
    }

    private void checkCharge(Entry entry) {
        Cred payer = entry.cred;
        if (payer == null) {
            return;
        }
        charged += entry.length();
        VmObject object = entry.object;
        if (object != null && object.cred() != null && !entry.has(Entry.NEEDS_COPY)) {
            violations.report("%s and its object are both charged", entry);
        }
    }

    /** No page of the object may be mapped by two entries. */
    private void checkOneMapping(VmObject object, List<Entry> mapping) {
        List<Entry> entries = new ArrayList<>(mapping);
        entries.sort(Comparator.comparingLong(entry -> entry.offset));
        for (int i = 1; i < entries.size(); i++) {
            Entry low = entries.get(i - 1);
            Entry high = entries.get(i);
            if (low.offset + low.pages() > high.offset) {
                violations.report("%s has one mapping a page, but two in %s and %s", object, low, high);
            }
        }
    }

    /**
     * References come from entries, from shadows and from registered holders; the kernel's objects have one from the
     * start.
     */
    private void checkReferences(VmObject object) {
        int held = 0;
        for (Holder holder : holders) {
            held += holder.references(object);
        }
        if (object == layers.objects().kernelObject()
                || object == layers.objects().kmemObject()) {
            held++;
        }
        List<Entry> entries = mappings.getOrDefault(object, List.of());
        int mapped = entries.size();
        if (object.has(ObjectFlags.ONEMAPPING) && layers.corrected()) {
            checkOneMapping(object, entries);
        }
        if (object.refCount() != mapped + object.shadowCount() + held) {
            violations.report(
                    "%s has %d references: %d entries map it, %d objects shadow it, %d are held",
                    object, object.refCount(), mapped, object.shadowCount(), held);
        }
    }
}
