// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;

/**
 * A change of protection over a range ({@code vm_map_protect}): checks everything, then pays for what becomes
 * writeable, then changes. Needs the space's lock.
 */
final class Protecting {
    private final Space space;
    private final Entries entries;
    private final long start;
    private final long end;
    private final int wanted;
    private final boolean setMax;

    /** @param setMax whether the maximum is lowered, and the protection only with it */
    Protecting(Space space, long start, long end, int wanted, boolean setMax) {
        this.space = space;
        this.entries = space.mapped();
        this.start = start;
        this.end = end;
        this.wanted = wanted;
        this.setMax = setMax;
    }

    KernReturn run() {
        Entry first = entries.clippedFrom(start);
        KernReturn result = check(first);
        if (result.ok()) {
            result = pay(first);
        }
        if (result.ok()) {
            change(first);
        }
        return result;
    }

    private boolean inRange(@Nullable Entry entry) {
        return entry != null && entry.start < end;
    }

    private KernReturn check(@Nullable Entry first) {
        for (Entry entry = first; entry != null && inRange(entry); entry = entry.next) {
            if (entry.has(Entry.SUBMAP)) {
                return KernReturn.INVALID_ARGUMENT;
            }
            if ((wanted & ~entry.maxProt) != 0) {
                return KernReturn.PROTECTION_FAILURE;
            }
        }
        return KernReturn.SUCCESS;
    }

    /** Cuts the last entry and reserves swap for private memory that becomes writeable. */
    private KernReturn pay(@Nullable Entry first) {
        for (Entry entry = first; entry != null && inRange(entry); entry = entry.next) {
            entries.clipEnd(entry, end);
            boolean gainsWrite = !setMax && (wanted & ~entry.prot & Prot.WRITE) != 0;
            if (gainsWrite && !entry.charged() && !charge(entry)) {
                return KernReturn.RESOURCE_SHORTAGE;
            }
        }
        return KernReturn.SUCCESS;
    }

    private boolean charge(Entry entry) {
        VmObject object = entry.object;
        if (object == null || entry.has(Entry.NEEDS_COPY)) {
            if (!reserve(entry.length())) {
                return false;
            }
            entry.cred = space.cred();
            return true;
        }
        object.lock().lock();
        boolean paid = !object.type().anonymous();
        if (!paid) {
            // For the whole object: parts of it that are charged could not be told from others later.
            long bytes = PageSize.bytes(object.size());
            paid = reserve(bytes);
            if (paid) {
                object.setCharge(space.cred(), bytes);
            }
        }
        object.lock().unlock();
        return paid;
    }

    private boolean reserve(long bytes) {
        return space.layers().accounting().reserve(bytes, space.cred());
    }

    private void change(@Nullable Entry first) {
        for (Entry entry = first; entry != null && inRange(entry); entry = entry.next) {
            int old = entry.prot;
            if (setMax) {
                entry.maxProt = wanted;
                entry.prot = wanted & old;
            } else {
                entry.prot = wanted;
            }
            boolean gainsWrite = (entry.prot & ~old & Prot.WRITE) != 0;
            if (gainsWrite && entry.has(Entry.COW) && entry.has(Entry.USER_WIRED)) {
                // A wired page may not be exchanged for its copy at some later write, so that is done now.
                new WiredCopy(space, entry, entry).upgrade();
            }
            if ((old & ~entry.prot) != 0) {
                int visible = entry.has(Entry.COW) ? entry.prot & ~Prot.WRITE : entry.prot;
                space.pmap().protect(entry.start, entry.end, visible);
            }
            entries.simplify(entry);
        }
    }
}
