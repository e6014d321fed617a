// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.BitSet;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.page.PageFlags;
import penumbra.page.PageOwner;
import penumbra.page.QueueId;

/** One check of everything that must hold in the page layer while the machine is at rest. */
final class PageInvariants {
    private static final int FREE_OR_CACHED = PageFlags.FREE | PageFlags.CACHED;

    private final PageSystem system;
    private final List<Holder> holders;
    private final Violations violations;
    /** The frames that the free blocks and the unused parts of reservations cover. */
    private final BitSet unused = new BitSet();

    private final Set<ResidentSet> sets = Collections.newSetFromMap(new IdentityHashMap<>());
    private int free;
    private int cached;
    private int wired;
    private int active;
    private int inactive;

    PageInvariants(PageSystem system, List<Holder> holders, Violations violations) {
        this.system = system;
        this.holders = holders;
        this.violations = violations;
    }

    void check() {
        for (PhysicalSegment segment : system.pageArray().segments()) {
            checkBlocks(segment);
            checkReservations(segment);
        }
        for (PhysicalSegment segment : system.pageArray().segments()) {
            int frame = unused.nextClearBit(segment.firstFrame());
            while (frame < segment.endFrame()) {
                checkUsed(segment.page(frame));
                frame = unused.nextClearBit(frame + 1);
            }
        }
        system.fictitiousPages().all().forEach(this::checkFictitious);
        sets.forEach(this::checkSet);
        checkQueue(QueueId.ACTIVE, active);
        checkQueue(QueueId.INACTIVE, inactive);
        checkCount("free", system.counts().free(), free);
        checkCount("cached", system.counts().cache(), cached);
        checkCount("wired", system.counts().wired(), wired);
    }

    private void checkCount(String what, int counted, int found) {
        if (counted != found) {
            violations.report("%d pages are counted as %s, %d are", counted, what, found);
        }
    }

    // Free memory

    private void checkBlocks(PhysicalSegment segment) {
        for (int frame = segment.firstFrame(); frame < segment.endFrame(); frame++) {
            VmPage block = segment.page(frame);
            if (block.order != BuddyAllocator.NO_BLOCK) {
                checkBlock(segment, block);
            }
        }
        for (int pool = 0; pool < BuddyAllocator.POOLS; pool++) {
            for (int order = 0; order < BuddyAllocator.ORDERS; order++) {
                checkList(segment.freeList(), pool, order);
            }
        }
    }

    private void checkBlock(PhysicalSegment segment, VmPage block) {
        int length = 1 << block.order;
        int buddy = block.frame() ^ length;
        boolean inside = segment.contains(block.frame() + length - 1);
        if (!inside || (block.frame() & length - 1) != 0) {
            violations.report("a free block of order %d starts at %s", block.order, block);
            return;
        }
        if (block.order < BuddyAllocator.ORDERS - 1
                && segment.contains(buddy)
                && segment.page(buddy).order == block.order) {
            violations.report("two free buddies of order %d have not been joined: %s", block.order, block);
        }
        checkUnused(segment, block.frame(), length, block);
        for (int i = 0; i < length; i++) {
            VmPage page = segment.page(block.frame() + i);
            if (page.pool != block.pool) {
                violations.report("%s is in pool %d, its block in %d", page, page.pool, block.pool);
            }
        }
    }

    /** Checks frames that {@code by} says nobody uses. */
    private void checkUnused(PhysicalSegment segment, int firstFrame, int frames, Object by) {
        int twice = unused.nextSetBit(firstFrame);
        if (twice >= 0 && twice < firstFrame + frames) {
            violations.report("%s is free twice, the second time in %s", segment.page(twice), by);
        }
        unused.set(firstFrame, firstFrame + frames);
        for (int frame = firstFrame; frame < firstFrame + frames; frame++) {
            checkUnused(segment.page(frame), by);
        }
    }

    private void checkUnused(VmPage page, Object by) {
        boolean isCached = page.has(PageFlags.CACHED);
        if (isCached == page.has(PageFlags.FREE)) {
            violations.report("%s is neither free nor cached, or both, in %s", page, by);
        }
        boolean used = page.wireCount() != 0 || page.holdCount() != 0 || page.busied() || page.dirty() != 0;
        if (used || page.queue() != QueueId.NONE || isCached != (page.valid() != 0)) {
            violations.report("%s is unused, in %s", page, by);
        }
        if (isCached) {
            cached++;
            checkCached(page);
        } else {
            free++;
            if (page.home != null) {
                violations.report("%s is free and has an owner", page);
            }
        }
    }

    private void checkCached(VmPage page) {
        @Nullable ResidentSet set = page.home;
        if (set == null || set.findCached(page.pindex) != page) {
            violations.report("%s is not where its owner would find it", page);
        }
        if (system.pmap().isMapped(page)) {
            violations.report("%s is cached and mapped", page);
        }
    }

    private void checkList(int freeList, int pool, int order) {
        for (VmPage page =
                        system.freeMemory().buddy().list(freeList, pool, order).first();
                page != null;
                page = page.queueNext) {
            if (page.order != order || page.pool != pool) {
                violations.report(
                        "%s of order %d, pool %d is listed as %d, %d", page, page.order, page.pool, order, pool);
            }
        }
    }

    private void checkReservations(PhysicalSegment segment) {
        for (int at = 0; at < segment.reservations(); at++) {
            Reservation reservation = segment.reservationAt(at);
            int populated = 0;
            for (int slot = 0; slot < Reservation.PAGES; slot++) {
                if (reservation.isPopulated(slot)) {
                    populated++;
                } else if (reservation.owner != null) {
                    checkUnused(segment, reservation.firstFrame() + slot, 1, reservation);
                }
            }
            if (populated != reservation.populated() || (populated == 0) != (reservation.owner == null)) {
                violations.report(
                        "%s has %d pages in use, counted as %d", reservation, populated, reservation.populated());
            }
            boolean partly = populated > 0 && populated < Reservation.PAGES;
            if (partly != reservation.queued) {
                violations.report("%s is %s the queue of reservations", reservation, partly ? "missing from" : "in");
            }
        }
    }

    // Pages

    private void checkUsed(VmPage page) {
        if (page.has(FREE_OR_CACHED)) {
            violations.report("%s is missing from free memory", page);
            return;
        }
        if (page.home != null) {
            sets.add(page.home);
        } else if (page.dirty() != 0 && page.wireCount() == 0) {
            violations.report("%s is dirty and has no owner", page);
        }
        if (page.wireCount() > 0) {
            wired++;
        }
        checkQueued(page);
        checkHolders(page);
    }

    private void checkFictitious(VmPage page) {
        if (page.home == null) {
            violations.report("%s is fictitious and nobody's", page);
        } else {
            sets.add(page.home);
        }
        if (page.wireCount() != 1 || page.queue() != QueueId.NONE) {
            violations.report("%s is fictitious: it must be wired once and on no queue", page);
        }
        if (page.managed() && system.fictitiousPages().managed(page.frame()) != page) {
            violations.report(
                    "%s is managed, but its frame has %s",
                    page, system.fictitiousPages().managed(page.frame()));
        }
        if (page.busied() && holders.stream().noneMatch(holder -> holder.busies(page))) {
            violations.report("%s is busy at rest", page);
        }
    }

    private void checkQueued(VmPage page) {
        if (page.queue() == QueueId.NONE) {
            return;
        }
        if (page.queue() == QueueId.ACTIVE) {
            active++;
        } else {
            inactive++;
        }
        if (page.home == null || page.wireCount() != 0 || !page.managed()) {
            violations.report("%s must not be on a queue", page);
        }
    }

    /**
     * Whatever keeps a page busy or held at rest must be somebody's. Wirings are compared one way only: map entries
     * keep pages wired that are mapped with no access, and thus not mapped at all.
     */
    private void checkHolders(VmPage page) {
        int holds = 0;
        int wirings = page.managed() ? system.pmap().wiredMappings(page) : 0;
        boolean busy = false;
        for (Holder holder : holders) {
            holds += holder.holds(page);
            wirings += holder.wirings(page);
            busy |= holder.busies(page);
        }
        if (page.busied() && !busy) {
            violations.report("%s is busy at rest", page);
        }
        if (page.holdCount() != holds) {
            violations.report("%s is held %d times, by holders %d times", page, page.holdCount(), holds);
        }
        if (page.wireCount() < wirings) {
            violations.report(
                    "%s is wired %d times, by mappings and holders %d times", page, page.wireCount(), wirings);
        }
    }

    private void checkQueue(QueueId id, int found) {
        PageQueue queue = system.queueOf(id);
        List<List<VmPage>> lists = queue.listed();
        int length = 0;
        for (int batch = 0; batch < lists.size(); batch++) {
            for (VmPage page : lists.get(batch)) {
                length++;
                if (!page.isIn(id, batch)) {
                    violations.report("%s, batch %d, is listed on %s, batch %d", page, page.batch(), id, batch);
                }
            }
        }
        if (length != found || length != queue.length()) {
            violations.report(
                    "%s has %d pages, is counted as %d, and %d pages are marked so", id, length, queue.length(), found);
        }
    }

    // Owners

    private void checkSet(ResidentSet set) {
        PageOwner owner = set.owner();
        int listed = 0;
        @Nullable VmPage previous = null;
        for (VmPage page = set.firstPage(); page != null; page = page.listNext) {
            listed++;
            if (page.home != set || set.find(page.pindex) != page) {
                violations.report("%s is listed by %s, which has %s there", page, owner, set.find(page.pindex));
            }
            if (page.listPrevious != previous || (previous != null && previous.pindex >= page.pindex)) {
                violations.report("%s follows %s in the list of %s", page, previous, owner);
            }
            if (owner.pages() != set) {
                violations.report("%s has pages of a set that is not its own: %s", owner, page);
            }
            previous = page;
        }
        int inTrie = set.countTrie();
        if (listed != set.count() || inTrie != listed) {
            violations.report("%s counts %d pages, lists %d and finds %d", owner, set.count(), listed, inTrie);
        }
    }
}
