// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.hw.PmapSystem;
import penumbra.hw.Prot;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.kern.SpinWait;
import penumbra.map.MapFlags;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.Pages;
import penumbra.pager.PagerResult;
import penumbra.pager.Pagers;
import penumbra.vm.map.FaultTally.Kind;

/**
 * The way from a faulting address to a mapped page ({@code vm_fault}).
 *
 * <p>One at a time per object; a CPU keeps its own and uses it again, so that a fault allocates nothing. What is found
 * is kept from going away by a reference and paging-in-progress on the first object, paging-in-progress on the one
 * being looked at, and the busy page; the space's lock is dropped for I/O, and its version compared afterwards.
 */
@SuppressWarnings("NullAway.Init")
final class Fault extends Apart {
    private static final int COLOR_MASK = 0xfff;

    /** How to go on. */
    private enum Step {
        /** With the next step. */
        ON,
        /** From the start: everything has been let go. */
        RETRY,
        /** Not at all: everything has been let go, and {@link #result} says why. */
        FAILED
    }

    private final PmapSystem pmaps;
    private final Pages pages;
    private final Pagers pagers;
    private final boolean corrected;
    private final MapLookup at;
    private final ReadAhead readAhead;
    private final Prefault prefault;

    // What is asked.
    private Space space;
    private @Nullable Proc process;
    private long address;
    private int wanted;
    private int options;

    // What has been found.
    private boolean mapLocked;
    private boolean mayGrow;
    private long version;
    private int prot;
    private int access;
    private VmObject first;
    private long firstIndex;
    private @Nullable Page firstPage;
    private VmObject object;
    private long pindex;
    private @Nullable Page page;
    private @Nullable Kind read;
    private Kind answer;
    /** The frame that the last copy was made from. */
    private int copied;

    private KernReturn result;

    Fault(Layers layers) {
        this.pmaps = layers.pmaps();
        this.pages = layers.pages();
        this.pagers = layers.pagers();
        this.corrected = layers.corrected();
        this.at = new MapLookup(layers);
        this.readAhead = new ReadAhead(layers);
        this.prefault = new Prefault();
    }

    /**
     * Makes {@code va} accessible; may block, with no lock held.
     *
     * @param forProcess for whom; a killed one gets NOT_RECEIVER
     * @param kind the {@link Prot} bits wanted
     * @param flags {@code FAULT_} bits of {@link MapFlags}
     */
    KernReturn resolve(Space in, @Nullable Proc forProcess, long va, int kind, int flags) {
        space = in;
        process = forProcess;
        address = PageSize.floor(va);
        wanted = kind;
        options = flags;
        mapLocked = false;
        mayGrow = true;
        read = null;
        readAhead.reset();
        Step step = Step.RETRY;
        while (step == Step.RETRY) {
            step = attempt();
        }
        if (step == Step.FAILED) {
            space.lockShared();
            space.tally().count(Kind.PROTECTION);
            space.unlock();
            return result;
        }
        return KernReturn.SUCCESS;
    }

    private Step attempt() {
        if (process != null && process.killed()) {
            return fail(KernReturn.NOT_RECEIVER);
        }
        Step step = lookup();
        if (step == Step.ON) {
            step = search();
        }
        if (step == Step.ON) {
            step = copyFromBehind();
        }
        if (step == Step.ON) {
            step = validateLookup();
        }
        if (step == Step.ON) {
            finish(heldPage());
        }
        return step;
    }

    private Step fail(KernReturn reason) {
        result = reason;
        return Step.FAILED;
    }

    private Page heldPage() {
        Page held = page;
        if (held == null) {
            throw new KernelPanic("vm_fault: no page at %#x in %s", address, object);
        }
        return held;
    }

    // The map

    private Step lookup() {
        KernReturn found = at.find(space, address, wanted);
        if (!found.ok()) {
            if (found != KernReturn.INVALID_ADDRESS
                    || !mayGrow
                    || space.mapped().system()) {
                return fail(found);
            }
            mayGrow = false;
            return space.growStack(address).ok() ? Step.RETRY : fail(KernReturn.FAILURE);
        }
        Entry entry = at.entry();
        if (entry.has(Entry.NOFAULT)) {
            throw new KernelPanic("vm_fault: fault on nofault entry, addr: %#x", address);
        }
        if (entry.has(Entry.IN_TRANSITION) && entry.wiringThread != Thread.currentThread()) {
            at.map().awaitTransitionAndDrop(entry);
            return Step.RETRY;
        }
        mapLocked = true;
        version = at.map().version();
        prot = at.prot();
        access = at.wired() ? prot | (wanted & Prot.COPY) : wanted;
        first = at.object();
        firstIndex = at.pindex();
        firstPage = null;
        first.lock().lock();
        first.referenceLocked();
        first.pipAdd(1);
        return Step.ON;
    }

    private void unlockMap() {
        if (mapLocked) {
            mapLocked = false;
            at.map().unlock();
        }
    }

    private boolean changesWiring() {
        return (options & MapFlags.FAULT_CHANGE_WIRING) != 0;
    }

    // The chain

    /** Walks the chain down to a valid page, which is busy on return, its object locked. */
    private Step search() {
        object = first;
        pindex = firstIndex;
        for (; ; ) {
            if (object.has(ObjectFlags.DEAD)) {
                return leaveDead();
            }
            page = object.pages().lookup(pindex);
            if (page != null) {
                if (page.busied()) {
                    awaitUnbusied(page);
                    return Step.RETRY;
                }
                page.dequeue();
                page.xbusy();
                if (page.valid() == Page.ALL) {
                    answer = Kind.SOFT;
                    return Step.ON;
                }
                if (pindex >= object.size()) {
                    // A wired page that stayed when its file shrank.
                    page.xunbusy();
                    abandon();
                    return fail(KernReturn.OUT_OF_BOUNDS);
                }
            } else if (asksPager() || object == first) {
                if (pindex >= object.size()) {
                    abandon();
                    return fail(KernReturn.OUT_OF_BOUNDS);
                }
                page = allocate();
                if (page == null) {
                    abandon();
                    pages.waitForFaultMemory("pfault");
                    return Step.RETRY;
                }
                if (page.valid() == Page.ALL) {
                    answer = Kind.SOFT;
                    return Step.ON;
                }
            }
            if (asksPager()) {
                Step step = pageIn(heldPage());
                if (step != Step.ON || (page != null && page.valid() == Page.ALL)) {
                    return step;
                }
            }
            if (object == first) {
                firstPage = page;
            } else if (page != null) {
                page.xunbusy();
            }
            if (!descend()) {
                zeroFill(heldPage());
                return Step.ON;
            }
        }
    }

    /**
     * Gives up on an object that is gone, and comes back to one that is just being merged into the one in front of it.
     */
    private Step leaveDead() {
        boolean gone = object.type() == ObjectType.DEAD || !corrected;
        abandon();
        if (gone) {
            return fail(KernReturn.PROTECTION_FAILURE);
        }
        SpinWait.letOthersRun();
        return Step.RETRY;
    }

    /** Whether the object's pager might have what is not resident ({@code TRYPAGER}). */
    private boolean asksPager() {
        return object.type() != ObjectType.DEFAULT && (!changesWiring() || at.wired());
    }

    /** Lets everything go and sleeps until the page may not be busy any more. */
    private void awaitUnbusied(Page busy) {
        // So that the page daemon is less likely to take it before we come back.
        busy.setAflags(PageFlags.A_REFERENCED);
        if (object != first) {
            lockFirst();
            freeFirstPage();
            first.pipWakeup(1);
            first.lock().unlock();
        }
        unlockMap();
        if (object.pages().lookup(pindex) == busy) {
            busy.sleepIfBusy("vmpfw");
        }
        object.pipWakeup(1);
        object.lock().unlock();
        first.deallocate();
    }

    /** Locks the first object while a deeper one is locked, which is dropped meanwhile if need be. */
    private void lockFirst() {
        if (!first.lock().tryLock()) {
            object.lock().unlock();
            first.lock().lock();
            object.lock().lock();
        }
    }

    private @Nullable Page allocate() {
        if (pages.counts().severe()) {
            return null;
        }
        object.setColor((int) (PageSize.index(address) - pindex) & COLOR_MASK);
        boolean zeroed = object.type() != ObjectType.VNODE && object.backing() == null;
        return pages.alloc(object, pindex, zeroed ? Alloc.NORMAL | Alloc.ZERO : Alloc.NORMAL);
    }

    /**
     * Has the pager fill the page; on return it is valid, or the pager has nothing and it is still ours only if in the
     * first object.
     */
    private Step pageIn(Page empty) {
        readAhead.chooseWindow(at.entry(), address, pindex, this::cacheBehind);
        unlockMap();
        ObjectType type = object.type();
        PagerResult filled = PagerResult.FAIL;
        if (readAhead.gather(object, empty)) {
            filled = pagers.getPages(object, readAhead.run(), readAhead.count(), readAhead.requested());
            // Not the one that was handed in, if the pager has lost that.
            page = readAhead.run()[readAhead.requested()];
        }
        switch (filled) {
            case OK -> {
                // A pager may have put another page in its place.
                page = object.pages().lookup(pindex);
                if (page == null) {
                    abandon();
                    return Step.RETRY;
                }
                read = kindOf(type);
                answer = read;
            }
            case ERROR, BAD -> {
                discard(heldPage());
                abandon();
                return fail(filled == PagerResult.ERROR ? KernReturn.FAILURE : KernReturn.OUT_OF_BOUNDS);
            }
            default -> {
                if (object != first) {
                    discard(heldPage());
                }
            }
        }
        return Step.ON;
    }

    /** Gives up a page that was to be read; somebody's wired one stays, without contents. */
    private void discard(Page empty) {
        if (empty.wireCount() == 0) {
            pages.free(empty);
        } else {
            empty.xunbusy();
        }
        page = null;
    }

    /** What a page-in by the pager of {@code type} counts as: devices and memory that stays do no I/O. */
    private static Kind kindOf(ObjectType type) {
        return switch (type) {
            case SWAP -> Kind.SWAP_READ;
            case VNODE -> Kind.FILE_READ;
            case PHYS -> Kind.ZERO_FILL;
            default -> Kind.SOFT;
        };
    }

    private void cacheBehind(int distance) {
        if (object == first) {
            readAhead.cacheBehind(first, heldPage(), at.entry(), firstIndex, distance);
            return;
        }
        lockFirst();
        Page placeholder = firstPage;
        if (placeholder != null) {
            readAhead.cacheBehind(first, placeholder, at.entry(), firstIndex, distance);
        }
        first.lock().unlock();
    }

    /** Goes on to the object behind, locked, or back to the first when there is none; returns whether there was one. */
    private boolean descend() {
        VmObject behind = object.backing();
        if (behind == null) {
            if (object != first) {
                object.pipWakeup(1);
                object.lock().unlock();
                object = first;
                pindex = firstIndex;
                page = firstPage;
                first.lock().lock();
            }
            firstPage = null;
            return false;
        }
        pindex += object.backingOffset();
        behind.lock().lock();
        behind.pipAdd(1);
        if (object != first) {
            object.pipWakeup(1);
        }
        object.lock().unlock();
        object = behind;
        return true;
    }

    private void zeroFill(Page empty) {
        if ((empty.flags() & PageFlags.ZERO) == 0) {
            pmaps.zeroPage(empty);
        }
        empty.setValid(Page.ALL);
        answer = Kind.ZERO_FILL;
        // Its neighbours are as empty: nothing to map around it.
        readAhead.single();
    }

    // Copy on write

    /** Brings a page that was found behind the first object up into it if it is going to be written. */
    private Step copyFromBehind() {
        if (object == first) {
            return Step.ON;
        }
        if ((access & (Prot.WRITE | Prot.COPY)) == 0) {
            prot &= ~Prot.WRITE;
            return Step.ON;
        }
        Page source = heldPage();
        Page placeholder = firstPage;
        if (placeholder == null) {
            throw new KernelPanic("vm_fault: no placeholder in %s for %#x", first, address);
        }
        boolean firstLocked = solelyOurs() && first.lock().tryLock();
        if (firstLocked && object == first.backing()) {
            if (!moveUp(source)) {
                return Step.RETRY;
            }
        } else {
            copyUp(source, placeholder, firstLocked);
        }
        object = first;
        pindex = firstIndex;
        return Step.ON;
    }

    /**
     * Whether nobody else can ever see this object's pages: its only reference comes from the object in front of it.
     */
    private boolean solelyOurs() {
        return object.shadowCount() == 1
                && object.refCount() == 1
                && object.handle() == null
                && object.type().anonymous();
    }

    /** Moves the page instead of copying it. Both objects locked; on success only the first is, on failure none. */
    private boolean moveUp(Page source) {
        freeFirstPage();
        if (!pages.rename(source, first, firstIndex)) {
            first.lock().unlock();
            releasePage();
            abandon();
            pages.waitForMemory("vmwait");
            return false;
        }
        source.xbusy();
        object.pipWakeup(1);
        object.lock().unlock();
        page = source;
        answer = Kind.COPY_AVOIDED;
        return true;
    }

    /** Copies the page into the placeholder. The object behind is locked, the first perhaps; then only the first is. */
    private void copyUp(Page source, Page placeholder, boolean firstLocked) {
        if (corrected && !first.has(ObjectFlags.ONEMAPPING)) {
            // The first object is shared, and those who share it may have mapped the page that is about to be hidden.
            pmaps.removeAll(source);
        }
        boolean unwires = at.wired() && !changesWiring() && sourceIsWiredHere(source);
        // The source is busy and its object in use: both stay as they are while others go on.
        object.lock().unlock();
        pmaps.copyPage(source, placeholder);
        object.lock().lock();
        if (unwires) {
            source.unwire(false);
        }
        copied = source.frame();
        releasePage();
        object.pipWakeup(1);
        object.lock().unlock();
        if (!firstLocked) {
            first.lock().lock();
        }
        placeholder.setValid(Page.ALL);
        if (at.wired() && !changesWiring()) {
            placeholder.wire();
        }
        page = placeholder;
        answer = Kind.COPY_ON_WRITE;
    }

    private boolean sourceIsWiredHere(Page source) {
        return !corrected || at.map().pmap().extract(address) == source.frame();
    }

    // The end

    /** Makes sure that the entry still says what it said, if its lock was dropped. */
    private Step validateLookup() {
        if (mapLocked) {
            return Step.ON;
        }
        Space map = at.map();
        if (!map.tryLockShared()) {
            // Its holder may wait for our page.
            withdraw(map.pmap());
            return Step.RETRY;
        }
        mapLocked = true;
        if (map.version() == version) {
            return Step.ON;
        }
        KernReturn again = at.findAgain(address, access & ~Prot.COPY);
        boolean same = again.ok() && at.object() == first && at.pindex() == firstIndex;
        if (!same) {
            withdraw(map.pmap());
            return again.ok() || again == KernReturn.FAILURE ? Step.RETRY : fail(again);
        }
        // Write access that was gained meanwhile is left to the next fault.
        prot &= at.prot();
        return Step.ON;
    }

    /**
     * Lets everything go without mapping what was found. A copy stays where it is and hides the page that it was made
     * from, which whoever merges the two objects may free: so that page must not stay mapped here, and the copy is
     * dirty, for it may soon be the only one. The first object is locked if there is a copy.
     */
    private void withdraw(Pmap pmap) {
        if (answer == Kind.COPY_ON_WRITE) {
            if (pmap.extract(address) == copied) {
                pmap.remove(address, address + PageSize.BYTES);
            }
            heldPage().makeDirty();
        }
        releasePage();
        abandon();
    }

    /** Maps the page and lets it go. The page is busy, its object and the map locked. */
    private void finish(Page found) {
        Entry entry = at.entry();
        Space map = at.map();
        boolean wired = at.wired();
        if (read != null) {
            entry.nextRead = readAhead.behindRun(pindex);
        }
        noteWrite(found, entry);
        if (answer == Kind.SOFT && (access & Prot.WRITE) != 0 && map.pmap().extract(address) == found.frame()) {
            answer = Kind.PROTECTION;
        }
        map.pmap().enter(address, accessKind(), found, prot, wired);
        if (!changesWiring()) {
            found.activate();
        } else if (wired) {
            found.wire();
        } else {
            found.unwire(true);
        }
        found.xunbusy();
        object.pipWakeup(1);
        object.lock().unlock();
        if (!changesWiring() && !wired) {
            prefault.around(map.pmap(), entry, address, readAhead);
        }
        map.tally().count(answer);
        if (read != null && answer != read) {
            map.tally().countAlso(read);
        }
        unlockMap();
        if (object != first) {
            first.lock().lock();
            freeFirstPage();
            first.pipWakeup(1);
            first.lock().unlock();
        }
        first.deallocate();
    }

    /** Tells object and pager that the page may be, or is being, written. */
    private void noteWrite(Page found, Entry entry) {
        boolean dirty = (options & MapFlags.FAULT_DIRTY) != 0;
        if (((prot & Prot.WRITE) == 0 && !dirty) || !found.managed()) {
            return;
        }
        object.setWriteableDirty();
        if (!entry.has(Entry.NOSYNC)) {
            found.clearOflags(PageFlags.O_NOSYNC);
        } else if (found.dirty() == 0) {
            // What was written in the expectation of being synced stays so.
            found.setOflags(PageFlags.O_NOSYNC);
        }
        if (dirty || ((access & Prot.WRITE) != 0 && !changesWiring())) {
            found.makeDirty();
            pagers.pageUnswapped(found);
        }
    }

    private int accessKind() {
        if ((access & Prot.WRITE) != 0) {
            return Prot.WRITE;
        }
        return (access & Prot.EXECUTE) != 0 ? Prot.EXECUTE : Prot.READ;
    }

    /** Lets go of a page that is of no use after all. Its object locked. */
    private void releasePage() {
        Page held = heldPage();
        held.xunbusy();
        held.deactivate();
        page = null;
    }

    private void freeFirstPage() {
        if (firstPage != null) {
            pages.free(firstPage);
            firstPage = null;
        }
    }

    /** Lets everything but the page go ({@code unlock_and_deallocate}). The object at hand is locked. */
    private void abandon() {
        object.pipWakeup(1);
        object.lock().unlock();
        if (object != first) {
            first.lock().lock();
            freeFirstPage();
            first.pipWakeup(1);
            first.lock().unlock();
        }
        unlockMap();
        first.deallocate();
    }
}
