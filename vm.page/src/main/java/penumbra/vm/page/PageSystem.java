// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import penumbra.hw.Machine;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.PmapSystem;
import penumbra.inspect.CounterSource;
import penumbra.inspect.Holder;
import penumbra.inspect.InvariantCheck;
import penumbra.inspect.Violations;
import penumbra.kern.Apart;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.page.PageDaemon;
import penumbra.page.PageFlags;
import penumbra.page.PageLimits;
import penumbra.page.PageOwner;
import penumbra.page.Pages;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;
import penumbra.page.ResidentPages;

/** The page layer of one machine: all its pages, where they are, and the operations on them ({@code vm_page.c}). */
@Component(
        service = {Pages.class, CounterSource.class, InvariantCheck.class},
        configurationPid = "penumbra.vm.page")
@Designate(ocd = PageConfig.class)
public final class PageSystem extends Apart implements Pages, CounterSource, InvariantCheck {
    private final Machine machine;
    private final PmapSystem pmap;
    private final PageArray pages;
    private final FictitiousPages fictitious;
    private final PageLimits limits;
    private final Shortage shortage;
    private final FreeMemory free;
    private final PageRelease release;
    private final PageCounts counts;
    private final PageQueue inactive;
    private final PageQueue active;
    private final AtomicInteger wired = new AtomicInteger();
    private final AtomicInteger insertionsToFail = new AtomicInteger();
    /** How often advice was given. An update may get lost to another thread; it only weighs. */
    private int adviceWeight;

    /** The page layer of a machine, configured. */
    @Activate
    public PageSystem(
            @Reference PhysicalMemory memory,
            @Reference Machine machine,
            @Reference PmapSystem pmap,
            PageConfig config) {
        this(memory, machine, pmap);
        modified(config);
    }

    /** The page layer of a machine: all general memory is free. Tells {@code pmap} where pages are found. */
    @SuppressWarnings("this-escape")
    public PageSystem(PhysicalMemory memory, Machine machine, PmapSystem pmap) {
        this.machine = machine;
        this.pmap = pmap;
        this.pages = new PageArray(this, memory);
        this.fictitious = new FictitiousPages(memory);
        this.limits = PageLimits.of(pages.count());
        this.shortage = new Shortage(machine, limits);
        this.free = new FreeMemory(pages, shortage, limits.freeTarget());
        this.release = new PageRelease(this, memory, machine.fidelity());
        // One CPU has nobody to keep apart from, and its runs are to be the same whichever thread drives it.
        int batches = machine.cpus().size() == 1 ? 1 : PageQueue.MOST_BATCHES;
        this.inactive = new PageQueue(this, QueueId.INACTIVE, batches);
        this.active = new PageQueue(this, QueueId.ACTIVE, batches);
        this.counts = new LiveCounts(this, free, shortage, limits);
        pmap.setPages(this::pageOfFrame);
    }

    /** Takes a changed configuration over. */
    @Modified
    public void modified(PageConfig config) {
        setFillFreedPages(config.fillFreedPages());
    }

    /** Tells the pmap layer that there are no pages any more. */
    @Deactivate
    public void close() {
        pmap.setPages(null);
    }

    /** Whether freed pages are overwritten from now on, so that a use after free shows. */
    public void setFillFreedPages(boolean fill) {
        release.setFillFreedPages(fill);
    }

    /**
     * Lets the next {@code count} insertions into an owner fail as if no trie node could be had; for tests of the ways
     * out.
     */
    public void failInsertions(int count) {
        insertionsToFail.set(count);
    }

    // What pages ask for

    PmapSystem pmap() {
        return pmap;
    }

    SleepQueue sleepQueue() {
        return machine.sleepQueue();
    }

    AtomicInteger wired() {
        return wired;
    }

    long freedByOwnersEnd() {
        return release.freedByOwnersEnd().get();
    }

    int nextAdviceWeight() {
        return adviceWeight++;
    }

    PageQueue queueOf(QueueId id) {
        switch (id) {
            case ACTIVE:
                return active;
            case INACTIVE:
                return inactive;
            default:
                throw new KernelPanic("vm_pagequeue: there is no queue %s", id);
        }
    }

    FictitiousPages fictitiousPages() {
        return fictitious;
    }

    PageArray pageArray() {
        return pages;
    }

    FreeMemory freeMemory() {
        return free;
    }

    // Allocation

    @Override
    public ResidentPages newResidentPages(PageOwner owner) {
        return new ResidentSet(owner, free.lock());
    }

    @Override
    public @Nullable Page alloc(PageOwner owner, long pindex, int request) {
        owner.lock().assertHeld();
        check(request, true);
        ResidentSet set = ResidentSet.of(owner);
        VmPage predecessor = vacancy(set, pindex);
        boolean first = set.count() == 0;
        if (first) {
            // Before the cache's hold is dropped: the last cached page may become the first resident one.
            owner.holdBacking();
        }
        VmPage page = free.take(set, pindex, predecessor, request, reserve(request));
        if (page != null) {
            prepare(page, request, owner.unmanaged());
            page.pindex = pindex;
            if (insertionFails()) {
                giveUp(page);
                page = null;
            }
        }
        if (page == null) {
            if (first) {
                owner.dropBacking();
            }
            return null;
        }
        page.home = set;
        set.add(page, predecessor);
        if (!owner.fictitious()) {
            page.setMemattr(owner.memattr());
        }
        if (counts.pagingNeeded()) {
            shortage.wakeDaemon();
        }
        return page;
    }

    @Override
    public @Nullable Page allocUnowned(int request) {
        check(request, false);
        VmPage page = free.take(null, 0, null, request, reserve(request));
        if (page == null) {
            return null;
        }
        prepare(page, request | Alloc.NOBUSY, true);
        page.pindex = 0;
        if (counts.pagingNeeded()) {
            shortage.wakeDaemon();
        }
        return page;
    }

    private static void check(int request, boolean owned) {
        boolean sharedAndNot = (request & (Alloc.NOBUSY | Alloc.SBUSY)) == (Alloc.NOBUSY | Alloc.SBUSY);
        boolean ownerWrong = owned ? (request & Alloc.NOOBJ) != 0 : (request & Alloc.SBUSY) != 0;
        if (sharedAndNot || ownerWrong) {
            throw new KernelPanic("vm_page_alloc: inconsistent object (%s)/req (%#x)", owned, request);
        }
    }

    /** How many available pages a request leaves alone; the page daemon may dig deeper than others. */
    private int reserve(int request) {
        switch (request & Alloc.CLASS_MASK) {
            case Alloc.INTERRUPT:
                return 0;
            case Alloc.SYSTEM:
                return limits.interruptFreeMin();
            default:
                return shortage.byDaemon() ? limits.interruptFreeMin() : limits.freeReserved();
        }
    }

    /** The page before the free place at {@code pindex}; panics when that is taken. */
    private static @Nullable VmPage vacancy(ResidentSet set, long pindex) {
        VmPage predecessor = set.predecessor(pindex);
        if (predecessor != null && predecessor.pindex == pindex) {
            throw new KernelPanic("vm_page_insert: pindex %d of %s is taken by %s", pindex, set.owner(), predecessor);
        }
        return predecessor;
    }

    private void prepare(VmPage page, int request, boolean unmanaged) {
        int keep = (request & Alloc.ZERO) != 0 ? page.flags() & PageFlags.ZERO : 0;
        page.reset(keep | ((request & Alloc.NODUMP) != 0 ? PageFlags.NODUMP : 0), unmanaged);
        page.startBusy((request & (Alloc.NOBUSY | Alloc.SBUSY)) == 0, (request & Alloc.SBUSY) != 0);
        if ((request & Alloc.WIRED) != 0) {
            page.startWired(1);
            wired.incrementAndGet();
        }
    }

    /** Undoes {@link #prepare} and gives the page back. */
    private void giveUp(VmPage page) {
        if (page.wireCount() != 0) {
            page.startWired(0);
            wired.decrementAndGet();
        }
        page.startBusy(false, false);
        shortage.wakeDaemon();
        free(page);
    }

    private boolean insertionFails() {
        return insertionsToFail.get() > 0 && insertionsToFail.getAndDecrement() > 0;
    }

    @Override
    public Page grab(PageOwner owner, long pindex, int request) {
        owner.lock().assertHeld();
        boolean shareable = (request & Alloc.IGN_SBUSY) != 0;
        if ((request & Alloc.SBUSY) != 0 && !shareable) {
            throw new KernelPanic("vm_page_grab: VM_ALLOC_SBUSY without VM_ALLOC_IGN_SBUSY (%#x)", request);
        }
        while (true) {
            Page page = owner.pages().lookup(pindex);
            if (page == null) {
                page = alloc(owner, pindex, request);
                if (page == null) {
                    owner.lock().unlock();
                    waitForMemory("vmwait");
                    owner.lock().lock();
                    continue;
                }
                if ((request & Alloc.ZERO) != 0 && page.valid() == 0 && (page.flags() & PageFlags.ZERO) == 0) {
                    pmap.zeroPage(page);
                }
                return page;
            }
            if (shareable ? page.xbusied() : page.busied()) {
                // So that the page daemon is less likely to take it meanwhile.
                page.setAflags(PageFlags.A_REFERENCED);
                page.busySleep("pgrbwt");
                owner.lock().lock();
                continue;
            }
            if ((request & Alloc.WIRED) != 0) {
                page.wire();
            }
            if ((request & Alloc.SBUSY) != 0) {
                page.sbusy();
            } else if ((request & Alloc.NOBUSY) == 0) {
                page.xbusy();
            }
            return page;
        }
    }

    @Override
    public boolean insert(Page page, PageOwner owner, long pindex) {
        owner.lock().assertHeld();
        VmPage mine = (VmPage) page;
        if (mine.home != null) {
            throw new KernelPanic("vm_page_insert: page %s already inserted", page);
        }
        ResidentSet set = ResidentSet.of(owner);
        VmPage predecessor = vacancy(set, pindex);
        if (insertionFails()) {
            return false;
        }
        place(mine, set, pindex, predecessor);
        return true;
    }

    private static void place(VmPage page, ResidentSet set, long pindex, @Nullable VmPage predecessor) {
        page.pindex = pindex;
        page.home = set;
        page.clearFlags(VmPage.UNWIREFREE);
        set.add(page, predecessor);
        if (set.count() == 1) {
            set.owner().holdBacking();
        }
        if (page.writeable()) {
            set.owner().setWriteableDirty();
        }
    }

    @Override
    public boolean rename(Page page, PageOwner owner, long pindex) {
        owner.lock().assertHeld();
        VmPage mine = (VmPage) page;
        ResidentSet set = ResidentSet.of(owner);
        VmPage predecessor = vacancy(set, pindex);
        if (insertionFails()) {
            return false;
        }
        release.remove(mine);
        if (!set.cacheEmpty()) {
            // The page that comes in is newer than what was cached for its place.
            free.forget(set, pindex, pindex + 1);
        }
        place(mine, set, pindex, predecessor);
        mine.makeDirty();
        return true;
    }

    @Override
    public Page replace(Page page, PageOwner owner, long pindex) {
        VmPage mine = (VmPage) page;
        ResidentSet set = ResidentSet.of(owner);
        VmPage old = (VmPage) set.lookup(pindex);
        if (old == null || old.queue() != QueueId.NONE || mine.home != null) {
            throw new KernelPanic("vm_page_replace: %s by %s at %d", Objects.toString(old), page, pindex);
        }
        release.remove(old);
        place(mine, set, pindex, set.predecessor(pindex));
        return old;
    }

    @Override
    public void remove(Page page) {
        release.remove((VmPage) page);
    }

    @Override
    public void free(Page page) {
        release.free((VmPage) page);
    }

    /** Gives back a page whose freeing waited for its holders. */
    void giveBack(VmPage page) {
        release.giveBack(page);
    }

    @Override
    public void cache(Page page) {
        release.cache((VmPage) page);
    }

    @Override
    public void freeAll(PageOwner owner) {
        release.freeAll(owner);
    }

    // Cached pages and reservations

    @Override
    public boolean isCached(PageOwner owner, long pindex) {
        return free.isCached(ResidentSet.of(owner), pindex);
    }

    @Override
    public void cacheFree(PageOwner owner, long start, long end) {
        owner.lock().assertHeld();
        ResidentSet set = ResidentSet.of(owner);
        if (!set.cacheEmpty()) {
            free.forget(set, start, end);
        }
    }

    @Override
    public void cacheTransfer(PageOwner from, long offset, PageOwner to) {
        from.lock().assertHeld();
        to.lock().assertHeld();
        ResidentSet source = ResidentSet.of(from);
        if (!source.cacheEmpty()) {
            free.transfer(source, offset, ResidentSet.of(to), to.size());
        }
    }

    @Override
    public void renameReservation(Page page, PageOwner to, PageOwner from, long fromOffset) {
        to.lock().assertHeld();
        free.renameReservation((VmPage) page, ResidentSet.of(to), ResidentSet.of(from), fromOffset);
    }

    @Override
    public void breakReservations(PageOwner owner) {
        owner.lock().assertHeld();
        ResidentSet set = ResidentSet.of(owner);
        if (!set.reservationsEmpty()) {
            free.breakReservations(set);
        }
    }

    // Fictitious pages

    @Override
    public Page newFictitious(int frame, int memattr) {
        VmPage page = makeFictitious(frame, memattr, true);
        fictitious.add(page);
        return page;
    }

    @Override
    public @Nullable Page newManagedFictitious(int frame, int memattr) {
        VmPage page = makeFictitious(frame, memattr, false);
        return fictitious.addManaged(page) ? page : null;
    }

    private VmPage makeFictitious(int frame, int memattr, boolean unmanaged) {
        VmPage page = new VmPage(this, frame, 0);
        page.reset(PageFlags.FICTITIOUS, unmanaged);
        page.startWired(1);
        page.startBusy(true, false);
        page.setMemattr(memattr);
        return page;
    }

    @Override
    public void updateFictitious(Page page, int frame, int memattr) {
        VmPage mine = (VmPage) page;
        if (!mine.has(PageFlags.FICTITIOUS) || mine.managed()) {
            throw new KernelPanic("vm_page_updatefake: page %s", page);
        }
        mine.setFrame(frame);
        mine.setMemattr(memattr);
    }

    @Override
    public void freeFictitious(Page page) {
        VmPage mine = (VmPage) page;
        if (mine.home != null) {
            throw new KernelPanic("vm_page_putfake: page %s has an owner", page);
        }
        fictitious.remove(mine);
    }

    // Waiting for memory and the daemon

    @Override
    public void waitForMemory(String waitMessage) {
        shortage.await(free, limits.freeMin(), waitMessage);
    }

    @Override
    public void waitForFaultMemory(String waitMessage) {
        shortage.await(free, limits.freeSevere(), waitMessage);
    }

    @Override
    public void setDaemon(@Nullable PageDaemon daemon) {
        shortage.setDaemon(daemon);
    }

    @Override
    public void setDaemonThread(boolean daemon) {
        shortage.setDaemonThread(daemon);
    }

    @Override
    public boolean daemonThread() {
        return shortage.byDaemon();
    }

    @Override
    public void wakeMemoryWaiters() {
        shortage.wakeSleepers();
    }

    @Override
    public PageCounts counts() {
        return counts;
    }

    @Override
    public PageLimits limits() {
        return limits;
    }

    @Override
    public PagingQueue queue(QueueId id) {
        return queueOf(id);
    }

    @Override
    public @Nullable Page pageOfFrame(int frame) {
        VmPage page = pages.page(frame);
        return page != null ? page : fictitious.managed(frame);
    }

    // Inspection

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        visitor.accept("vm.stats.vm.v_page_size", PageSize.BYTES);
        visitor.accept("vm.stats.vm.v_page_count", pages.count());
        visitor.accept("vm.stats.vm.v_free_reserved", limits.freeReserved());
        visitor.accept("vm.stats.vm.v_free_severe", limits.freeSevere());
        visitor.accept("vm.stats.vm.v_free_min", limits.freeMin());
        visitor.accept("vm.stats.vm.v_free_target", limits.freeTarget());
        visitor.accept("vm.stats.vm.v_inactive_target", limits.inactiveTarget());
        visitor.accept("vm.stats.vm.v_interrupt_free_min", limits.interruptFreeMin());
        visitor.accept("vm.stats.vm.v_pageout_free_min", PageLimits.PAGEOUT_FREE_MIN);
        visitor.accept("vm.stats.vm.v_free_count", counts.free());
        visitor.accept("vm.stats.vm.v_cache_count", counts.cache());
        visitor.accept("vm.stats.vm.v_active_count", counts.active());
        visitor.accept("vm.stats.vm.v_inactive_count", counts.inactive());
        visitor.accept("vm.stats.vm.v_wire_count", counts.wired());
        visitor.accept("vm.stats.vm.v_reactivated", free.reactivated());
        visitor.accept("vm.stats.vm.v_tcached", free.cachedEver());
        visitor.accept("vm.stats.vm.v_tfree", free.freed());
        visitor.accept(release.freedByOwnersEnd().name(), freedByOwnersEnd());
        visitor.accept("vm.reserv.broken", free.reservations().broken());
        visitor.accept("vm.reserv.freed", free.reservations().freed());
        visitor.accept("vm.reserv.reclaimed", free.reservations().reclaimed());
    }

    @Override
    public String name() {
        return "pages";
    }

    @Override
    public void check(Violations violations) {
        check(violations, List.of());
    }

    @Override
    public void check(Violations violations, List<Holder> holders) {
        new PageInvariants(this, holders, violations).check();
    }
}
