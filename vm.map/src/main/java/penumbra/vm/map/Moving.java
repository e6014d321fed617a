// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;

/**
 * A move of mappings to another place, with a change of length ({@link penumbra.map.AddressSpace#move}). Objects and
 * offsets stay; pages fault in again at the new place, except for wired ones, which are mapped there at once. Needs the
 * space's lock.
 */
final class Moving {
    private final Space space;
    private final Entries entries;
    private final long from;
    private final long length;
    private final long to;
    private final long newLength;

    Moving(Space space, long from, long length, long to, long newLength) {
        this.space = space;
        this.entries = space.mapped();
        this.from = from;
        this.length = length;
        this.to = to;
        this.newLength = newLength;
    }

    KernReturn run() {
        KernReturn result = check();
        if (!result.ok()) {
            return result;
        }
        if (newLength < length) {
            space.delete(from + newLength, from + length);
        }
        if (to != from) {
            relocate(Math.min(length, newLength));
        }
        return newLength > length ? extend() : KernReturn.SUCCESS;
    }

    private KernReturn check() {
        boolean aligned = ((from | length | to | newLength) & PageSize.MASK) == 0;
        if (!aligned || length <= 0 || newLength <= 0) {
            return KernReturn.INVALID_ARGUMENT;
        }
        if (from < space.min() || length > space.max() - from || to < space.min() || newLength > space.max() - to) {
            return KernReturn.INVALID_ADDRESS;
        }
        boolean overlaps = to < from + length && from < to + newLength;
        if (to != from && overlaps) {
            return KernReturn.INVALID_ARGUMENT;
        }
        KernReturn mapped = checkMapped();
        if (!mapped.ok()) {
            return mapped;
        }
        long free = to == from ? from + length : to;
        Entry obstacle = space.tree().from(free);
        return obstacle != null && obstacle.start < to + newLength ? KernReturn.NO_SPACE : KernReturn.SUCCESS;
    }

    /** Whether all of the range is mapped; waits until no wiring is under way in it. */
    private KernReturn checkMapped() {
        long at = from;
        while (at < from + length) {
            Entry entry = space.tree().at(at);
            if (entry == null) {
                return KernReturn.INVALID_ADDRESS;
            }
            if (entry.has(Entry.SUBMAP)) {
                return KernReturn.INVALID_ARGUMENT;
            }
            if (entry.has(Entry.IN_TRANSITION)) {
                space.awaitTransition(entry);
                at = from;
            } else {
                at = entry.end;
            }
        }
        return KernReturn.SUCCESS;
    }

    private void relocate(long bytes) {
        long end = from + bytes;
        Entry entry = entries.clippedFrom(from);
        Entry moved = null;
        while (entry != null && entry.start < end) {
            entries.clipEnd(entry, end);
            Entry next = entry.next;
            space.tree().unlink(entry);
            moveMappings(entry);
            partFromObject(entry);
            entry.start += to - from;
            entry.end += to - from;
            space.tree().link(space.tree().floor(entry.start), entry);
            moved = entry;
            entry = next;
        }
        if (moved != null) {
            entries.simplify(moved);
        }
        Entry head = space.tree().at(to);
        if (head != null) {
            entries.simplify(head);
        }
    }

    /**
     * A page of the object can now be mapped at two addresses: where it is, and where an extension of the rest would
     * put it.
     */
    private static void partFromObject(Entry entry) {
        VmObject object = entry.object;
        if (object != null && object.refCount() > 1) {
            object.lock().lock();
            object.clearFlag(ObjectFlags.ONEMAPPING);
            object.lock().unlock();
        }
    }

    private void moveMappings(Entry entry) {
        if (entry.wired != 0) {
            for (long address = entry.start; address < entry.end; address += PageSize.BYTES) {
                moveWired(address, address + to - from);
            }
        }
        space.pmap().remove(entry.start, entry.end);
    }

    private void moveWired(long address, long target) {
        int frame = space.pmap().extract(address);
        Page page = frame < 0 ? null : space.layers().pages().pageOfFrame(frame);
        if (page != null) {
            space.pmap().enter(target, Prot.NONE, page, space.pmap().protection(address), true);
        }
    }

    /** Maps more of the same behind the moved range. */
    private KernReturn extend() {
        long start = to + length;
        Entry last = space.tree().at(start - 1);
        if (last == null) {
            return KernReturn.INVALID_ADDRESS;
        }
        Entry model = last;
        VmObject file = fileBehind(model);
        int options = Space.optionsOf(model);
        if (file == null) {
            return entries.insert(null, 0, start, to + newLength, model.prot, model.maxProt, options);
        }
        boolean privately = model.has(Entry.COW);
        file.reference();
        KernReturn result = entries.insert(
                file,
                fileOffset(model),
                start,
                to + newLength,
                model.prot,
                model.maxProt,
                privately ? options | MapFlags.COPY_ON_WRITE : options);
        if (!result.ok()) {
            Entry shed = new Entry(start, start);
            shed.object = file;
            entries.defer(shed);
        }
        return result;
    }

    /** The object with contents of its own at the end of the entry's chain; null when the memory is anonymous. */
    private static @Nullable VmObject fileBehind(Entry entry) {
        VmObject object = entry.object;
        while (object != null && object.type().anonymous()) {
            object = object.backing();
        }
        return object == null || object.type() == ObjectType.DEAD ? null : object;
    }

    /** The pindex in {@link #fileBehind} that follows what the entry maps. */
    private static long fileOffset(Entry entry) {
        long offset = entry.offset + entry.pages();
        VmObject object = entry.object;
        while (object != null && object.type().anonymous()) {
            offset += object.backingOffset();
            object = object.backing();
        }
        return offset;
    }
}
