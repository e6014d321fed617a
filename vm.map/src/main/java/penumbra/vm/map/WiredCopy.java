// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;

/**
 * Copying wired pages at once, since a wired page must not be exchanged for its copy later
 * ({@code vm_fault_copy_entry}). The source's space is locked; its pages are resident. May wait for memory.
 */
final class WiredCopy {
    /** Colours are places among the 4,096 pages of the largest block of the buddy allocator. */
    private static final int COLOR_MASK = 0xfff;

    private final Layers layers;
    private final Space to;
    private final Entry destination;
    private final Entry source;
    private final VmObject from;
    private final long fromIndex;

    /** A copy of what {@code source} maps into {@code destination}, an entry of {@code to}. */
    WiredCopy(Space to, Entry destination, Entry source) {
        this.layers = to.layers();
        this.to = to;
        this.destination = destination;
        this.source = source;
        VmObject object = source.object;
        if (object == null) {
            throw new KernelPanic("vm_fault_copy_entry: wired %s has no object", source);
        }
        this.from = object;
        this.fromIndex = source.offset;
    }

    /** Gives a child pageable copies; returns the bytes of swap to reserve for them. */
    long fork() {
        VmObject copy = newObject();
        copy.setCharge(to.cred(), destination.length());
        copyAll(copy, false);
        copy.lock().unlock();
        return destination.length();
    }

    /**
     * Gives an entry that becomes writeable copies of its own, wired in place of the originals.
     *
     * <p>An object that belongs to the entry already keeps what it has and receives the rest: others may share it. The
     * original always makes a new object, and with it an end to such sharing.
     */
    void upgrade() {
        boolean inPlace = layers.corrected() && !destination.has(Entry.NEEDS_COPY);
        if (inPlace) {
            Entries.moveCharge(destination, from);
            from.lock().lock();
            copyAll(from, true);
            from.lock().unlock();
        } else {
            VmObject copy = newObject();
            copy.setCharge(destination.cred, destination.length());
            destination.cred = null;
            copyAll(copy, true);
            copy.lock().unlock();
            Entry shed = new Entry(destination.start, destination.end);
            shed.object = from;
            to.mapped().defer(shed);
        }
        destination.flags &= ~(Entry.COW | Entry.NEEDS_COPY);
    }

    /** A new object for the destination, locked. */
    private VmObject newObject() {
        VmObject copy = layers.objects().allocate(ObjectType.DEFAULT, destination.pages());
        copy.lock().lock();
        copy.setColor((int) PageSize.index(destination.start) & COLOR_MASK);
        destination.object = copy;
        destination.offset = 0;
        return copy;
    }

    private void copyAll(VmObject copy, boolean upgrade) {
        long first = destination.offset;
        for (long i = 0; i < destination.pages(); i++) {
            copyOne(copy, first + i, fromIndex + i, upgrade);
        }
    }

    /** Copies one page. {@code copy} locked; the lock is dropped while there is no memory. */
    private void copyOne(VmObject copy, long toIndex, long fromIndexOfPage, boolean upgrade) {
        long address = destination.start + PageSize.bytes(toIndex - destination.offset);
        Page present = copy == from ? copy.pages().lookup(toIndex) : null;
        if (present != null) {
            // The entry's own already, and wired: only the protection was in the way.
            to.pmap().enter(address, Prot.WRITE, present, destination.prot, true);
            present.makeDirty();
            layers.pagers().pageUnswapped(present);
            return;
        }
        Page page = allocate(copy, toIndex);
        Page original = find(copy, fromIndexOfPage);
        if (original == null) {
            layers.pages().free(page);
            return;
        }
        VmObject owner = (VmObject) original.owner();
        if (upgrade && layers.corrected() && !copy.has(ObjectFlags.ONEMAPPING)) {
            layers.pmaps().removeAll(original);
        }
        layers.pmaps().copyPage(original, page);
        if (owner != null && owner != copy) {
            if (upgrade) {
                original.unwire(false);
            }
            owner.lock().unlock();
        }
        page.setValid(Page.ALL);
        page.makeDirty();
        int access = upgrade ? Prot.WRITE : Prot.READ;
        to.pmap().enter(address, access, page, destination.prot, upgrade);
        if (upgrade) {
            page.wire();
        } else {
            page.activate();
        }
        page.xunbusy();
    }

    private Page allocate(VmObject copy, long index) {
        Page page = layers.pages().alloc(copy, index, Alloc.NORMAL);
        while (page == null) {
            copy.lock().unlock();
            layers.pages().waitForMemory("vmwait");
            copy.lock().lock();
            page = layers.pages().alloc(copy, index, Alloc.NORMAL);
        }
        return page;
    }

    /** The wired page, its owner locked unless that is {@code copy}; null when a file was cut under it. */
    private @Nullable Page find(VmObject copy, long index) {
        VmObject at = from;
        long pindex = index;
        if (at == copy) {
            VmObject behind = at.backing();
            if (behind == null) {
                return null;
            }
            pindex += at.backingOffset();
            at = behind;
        }
        boolean descends = layers.corrected() || (source.prot & Prot.WRITE) == 0 || source == destination;
        at.lock().lock();
        Page page = at.pages().lookup(pindex);
        VmObject behind = at.backing();
        while (page == null && descends && behind != null) {
            behind.lock().lock();
            pindex += at.backingOffset();
            at.lock().unlock();
            at = behind;
            page = at.pages().lookup(pindex);
            behind = at.backing();
        }
        if (page == null) {
            at.lock().unlock();
            if (!layers.corrected()) {
                throw new KernelPanic("vm_fault_copy_wired: page %d of %s is missing", index, from);
            }
        }
        return page;
    }
}
