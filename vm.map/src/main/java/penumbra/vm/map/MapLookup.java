// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Prot;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;

/** Finding what an address maps, and bringing into being what is made at the first touch ({@code vm_map_lookup}). */
@SuppressWarnings("NullAway.Init")
final class MapLookup extends Apart {
    private final Layers layers;

    // The answer; set by find.
    private Space map;
    private Entry entry;
    private VmObject object;
    private long pindex;
    private int prot;
    private boolean wired;

    MapLookup(Layers layers) {
        this.layers = layers;
    }

    /** The space that has the entry: a submap perhaps. */
    Space map() {
        return map;
    }

    Entry entry() {
        return entry;
    }

    VmObject object() {
        return object;
    }

    long pindex() {
        return pindex;
    }

    /** The protection that the mapping may get. */
    int prot() {
        return prot;
    }

    boolean wired() {
        return wired;
    }

    /**
     * Looks {@code address} up, for an access of kind {@code wanted}, and gives the entry an object, and one of its own
     * if it is going to be written.
     *
     * @return on success the lock of {@link #map} is held, otherwise none
     */
    KernReturn find(Space space, long address, int wanted) {
        map = space;
        map.lockShared();
        Entry found = map.tree().at(address);
        while (found != null && found.submap != null) {
            Space below = found.submap;
            map.unlock();
            map = below;
            map.lockShared();
            found = map.tree().at(address);
        }
        KernReturn result = KernReturn.INVALID_ADDRESS;
        if (found != null) {
            entry = found;
            result = check(wanted);
            if (result.ok()) {
                result = prepare(wanted);
            }
        }
        if (result.ok()) {
            settle(address);
        } else {
            map.unlock();
        }
        return result;
    }

    /**
     * Looks {@code address} up again in the same space, whose lock is held, without making anything
     * ({@code vm_map_lookup_locked}).
     *
     * @return FAILURE when something would have to be made
     */
    KernReturn findAgain(long address, int wanted) {
        Entry found = map.tree().at(address);
        if (found == null) {
            return KernReturn.INVALID_ADDRESS;
        }
        if (found.submap != null) {
            return KernReturn.FAILURE;
        }
        entry = found;
        KernReturn result = check(wanted);
        if (!result.ok()) {
            return result;
        }
        if (entry.object == null || (entry.has(Entry.NEEDS_COPY) && writes(wanted))) {
            return KernReturn.FAILURE;
        }
        hideWrite();
        settle(address);
        return KernReturn.SUCCESS;
    }

    private KernReturn check(int wanted) {
        prot = entry.prot;
        wired = entry.wired != 0;
        int kind = wanted & Prot.ALL;
        if ((kind & ~prot) != 0 || prot == Prot.NONE) {
            return KernReturn.PROTECTION_FAILURE;
        }
        if (entry.has(Entry.USER_WIRED) && entry.has(Entry.COW) && (kind & Prot.WRITE) != 0 && !layers.corrected()) {
            // The wired pages were copied when they were wired; a write that still faults would exchange one.
            return KernReturn.PROTECTION_FAILURE;
        }
        if ((wanted & Prot.COPY) != 0 && (entry.maxProt & Prot.WRITE) == 0 && !entry.has(Entry.COW)) {
            return KernReturn.PROTECTION_FAILURE;
        }
        return KernReturn.SUCCESS;
    }

    /** Whether the access, or any that a wired mapping must allow, writes. */
    private boolean writes(int wanted) {
        int kind = wired ? entry.prot : wanted;
        return (kind & Prot.WRITE) != 0 || (wanted & Prot.COPY) != 0;
    }

    private KernReturn prepare(int wanted) {
        if (entry.has(Entry.NEEDS_COPY) && writes(wanted)) {
            map.upgrade();
            if (!shadow()) {
                return KernReturn.RESOURCE_SHORTAGE;
            }
        }
        hideWrite();
        if (entry.object == null) {
            if (map.mapped().system()) {
                return KernReturn.INVALID_ADDRESS;
            }
            map.upgrade();
            map.mapped().giveObject(entry);
        }
        return KernReturn.SUCCESS;
    }

    /** Takes WRITE from what is mapped while the object is not the entry's own. */
    private void hideWrite() {
        if (entry.has(Entry.NEEDS_COPY)) {
            prot &= ~Prot.WRITE;
        }
    }

    /** Puts an object of the entry's own in front of the one it has; false when the swap for it cannot be reserved. */
    private boolean shadow() {
        SwapAccounting accounting = layers.accounting();
        Cred payer = entry.cred;
        if (payer == null) {
            payer = map.cred();
            if (!accounting.reserve(entry.length(), payer)) {
                return false;
            }
            entry.cred = payer;
        }
        VmObject before = entry.object;
        VmObject after = layers.objects().shadow(before, entry.offset, entry.pages());
        if (after != before) {
            entry.object = after;
            entry.offset = 0;
        }
        entry.flags &= ~Entry.NEEDS_COPY;
        if (after.cred() != null) {
            // It was its own already, and paid for.
            accounting.release(entry.length(), payer);
            entry.cred = null;
        } else {
            Entries.moveCharge(entry, after);
        }
        return true;
    }

    private void settle(long address) {
        VmObject mapped = entry.object;
        if (mapped != null) {
            object = mapped;
        }
        pindex = entry.pindexOf(address);
    }
}
