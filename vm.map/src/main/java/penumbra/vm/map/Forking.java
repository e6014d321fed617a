// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.account.Cred;
import penumbra.hw.Prot;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;

/**
 * The making of a child's space from its parent's ({@code vmspace_fork}). The child is not known to anybody yet; the
 * parent's lock is held throughout, and released by the caller.
 */
final class Forking {
    private final Space parent;
    private final Space child;
    private long charge;

    Forking(Space parent, Space child) {
        this.parent = parent;
        this.child = child;
    }

    /** Copies, shares or leaves out each entry; returns the bytes of swap that are to be reserved for it. */
    long run() {
        child.stackSize().inherit(parent.stackSize());
        for (Entry entry = parent.tree().first(); entry != null; entry = entry.next) {
            if (entry.has(Entry.SUBMAP)) {
                throw new KernelPanic("vm_map_fork: encountered a submap: %s", entry);
            }
            switch (entry.inheritance) {
                case NONE -> {}
                case SHARE -> share(entry);
                case COPY -> copy(entry);
            }
        }
        return charge;
    }

    private static Entry clone(Entry entry, int without) {
        Entry clone = new Entry(entry);
        clone.flags &= ~(Entry.USER_WIRED | Entry.IN_TRANSITION | Entry.NEEDS_WAKEUP | without);
        clone.wiringThread = null;
        clone.wired = 0;
        return clone;
    }

    private void append(Entry entry) {
        child.mapped().link(child.tree().last(), entry);
    }

    private void share(Entry entry) {
        VmObject present = entry.object;
        VmObject object = present == null ? parent.mapped().giveObject(entry) : present;
        // Before the shadow is made, so that the object counts as shared and one is made.
        object.reference();
        if (entry.has(Entry.NEEDS_COPY)) {
            VmObject front = parent.layers().objects().shadow(object, entry.offset, entry.pages());
            if (front != object) {
                entry.object = front;
                entry.offset = 0;
            }
            entry.flags &= ~Entry.NEEDS_COPY;
            front.reference();
            object.deallocate();
            object = front;
        }
        object.lock().lock();
        object.clearFlag(ObjectFlags.ONEMAPPING);
        Entries.moveChargeLocked(entry, object);
        object.lock().unlock();
        Entry clone = clone(entry, 0);
        Entries.countWriter(clone);
        append(clone);
        child.pmap().copy(parent.pmap(), clone.start, entry.length(), entry.start);
    }

    private void copy(Entry entry) {
        Entry clone = clone(entry, Entry.VN_WRITECOUNT);
        clone.object = null;
        clone.cred = null;
        append(clone);
        if (entry.wired == 0) {
            copyLazily(entry, clone);
        } else {
            charge += new WiredCopy(child, clone, entry).fork();
        }
    }

    /** Lets both entries see the same object until one of them writes ({@code vm_map_copy_entry}). */
    private void copyLazily(Entry entry, Entry clone) {
        if (!entry.has(Entry.NEEDS_COPY)) {
            parent.pmap().protect(entry.start, entry.end, entry.prot & ~Prot.WRITE);
        }
        if (entry.object == null) {
            clone.offset = 0;
            if (entry.cred != null) {
                clone.cred = child.cred();
                charge += entry.length();
            }
        } else {
            copyObject(entry, clone, entry.object);
        }
        child.pmap().copy(parent.pmap(), clone.start, clone.length(), entry.start);
    }

    private void copyObject(Entry entry, Entry clone, VmObject mapped) {
        VmObject object = mapped;
        object.lock().lock();
        boolean charged = entry.charged();
        if (object.handle() == null && object.type().anonymous()) {
            object.collapse();
            if (object.has(ObjectFlags.ONEMAPPING) && !object.has(ObjectFlags.NOSPLIT)) {
                object = split(entry, object);
            }
        }
        object.referenceLocked();
        object.clearFlag(ObjectFlags.ONEMAPPING);
        boolean needsCopy = entry.has(Entry.NEEDS_COPY);
        if (!needsCopy) {
            Entries.moveChargeLocked(entry, object);
        }
        object.lock().unlock();
        clone.object = object;
        clone.offset = entry.offset;
        if (charged) {
            Cred payer = child.cred();
            clone.cred = payer;
            charge += entry.length();
            if (!needsCopy) {
                entry.cred = payer;
                charge += entry.length();
            }
        }
        entry.flags |= Entry.COW | Entry.NEEDS_COPY;
        clone.flags |= Entry.COW | Entry.NEEDS_COPY;
        if (entry.has(Entry.VN_WRITECOUNT)) {
            stopWriting(entry, object);
        }
    }

    /** Leaves the entry's part of a shared object to it alone. Object locked; returns the entry's object, locked. */
    private VmObject split(Entry entry, VmObject object) {
        VmObject own = parent.layers().objects().split(object, entry.offset, entry.pages());
        if (own != object) {
            entry.object = own;
            entry.offset = 0;
        }
        return own;
    }

    /** An entry that gets a copy at its next write writes to the file no more. */
    private void stopWriting(Entry entry, VmObject object) {
        entry.flags &= ~Entry.VN_WRITECOUNT;
        Entry writer = new Entry(entry.start, entry.end);
        writer.flags = Entry.VN_WRITECOUNT;
        writer.object = object;
        object.reference();
        parent.mapped().defer(writer);
    }
}
