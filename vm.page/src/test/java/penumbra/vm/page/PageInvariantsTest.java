// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.inspect.Holder;
import penumbra.inspect.Violations;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

/** Breaks each invariant on purpose: a checker that finds nothing proves nothing. */
class PageInvariantsTest {
    private final Fixture f = Fixture.stepped(2048);
    private final TestOwner owner = f.lockedOwner("owner");
    private final VmPage page = (VmPage) f.valid(owner, 5);
    private final VmPage next = (VmPage) f.valid(owner, 6);

    @AfterEach
    void unlock() {
        f.close();
    }

    private void expect(String what) {
        Violations violations = new Violations();
        f.pages.check(violations);
        assertThat(violations.messages())
                .anySatisfy(message -> assertThat(message).contains(what));
    }

    private VmPage free() {
        VmPage free = (VmPage) f.valid(owner, 100);
        f.pages.free(free);
        return free;
    }

    @Test
    void nothingIsWrongAtFirst() {
        page.activate();
        next.wire();
        owner.color = 0;
        f.valid(owner, 512);
        owner.backed = null;
        f.pages.cache(f.valid(owner, 513));
        f.check(holding(next, 0, 1, false));
    }

    @Test
    void aBusyPageAtRest() {
        page.xbusy();
        expect("is busy at rest");
        f.check(holding(page, 0, 0, true));
    }

    @Test
    void aHoldThatIsNobodys() {
        page.hold();
        page.hold();
        expect("is held 2 times, by holders 0 times");
        f.check(holding(page, 2, 0, false));
    }

    @Test
    void aWiringThatDoesNotCount() {
        page.wire();
        f.pmap.map(page, false).wired = true;
        f.check();
        Violations violations = new Violations();
        f.pages.check(violations, List.of(holding(page, 0, 1, false)));
        assertThat(violations.messages()).anySatisfy(message -> assertThat(message)
                .contains("is wired 1 times, by mappings and holders 2 times"));
    }

    private static Holder holding(Page held, int holds, int wirings, boolean busy) {
        return new Holder() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public int references(VmObject object) {
                return 0;
            }

            @Override
            public int holds(Page page) {
                return page == held ? holds : 0;
            }

            @Override
            public int wirings(Page page) {
                return page == held ? wirings : 0;
            }

            @Override
            public boolean busies(Page page) {
                return page == held && busy;
            }
        };
    }

    @Test
    void aPageThatIsLeftOutOfTheTrie() {
        page.pindex = 4;
        expect("is listed by owner");
    }

    @Test
    void aListThatIsOutOfOrder() {
        next.listPrevious = null;
        expect("in the list of owner");
    }

    @Test
    void aPageThatIsBothInUseAndFree() {
        page.setFlags(PageFlags.FREE);
        expect("is missing from free memory");
    }

    @Test
    void aFreePageThatIsInUse() {
        free().clearFlags(PageFlags.FREE);
        expect("is neither free nor cached, or both, in");
    }

    @Test
    void aFreePageThatIsDirty() {
        free().makeDirty();
        expect("is unused, in");
    }

    @Test
    void aFreePageThatHasAnOwner() {
        free().home = page.home;
        expect("is free and has an owner");
    }

    @Test
    void aCachedPageThatIsMapped() {
        owner.backed = null;
        f.pages.cache(page);
        f.pmap.map(page, false);
        expect("is cached and mapped");
    }

    @Test
    void buddiesThatWereNotJoined() {
        VmPage block = (VmPage) f.pages.pageOfFrame(Fixture.BASE + 1024);
        assertThat(f.pages.freeMemory().buddy().unfree(block)).isTrue();
        VmPage buddy = (VmPage) f.pages.pageOfFrame(Fixture.BASE + 1025);
        assertThat(buddy.order).isZero();
        block.order = 0;
        expect("have not been joined");
    }

    @Test
    void aBlockOfTwoPools() {
        ((VmPage) f.pages.pageOfFrame(Fixture.BASE + 1030)).pool = BuddyAllocator.CACHE;
        expect("its block in");
    }

    @Test
    void aDirtyPageOfNobody() {
        Page unowned = f.pages.allocUnowned(Alloc.NOOBJ);
        unowned.makeDirty();
        expect("is dirty and has no owner");
    }

    @Test
    void aQueuedPageThatIsWired() {
        page.activate();
        page.startWired(1);
        expect("must not be on a queue");
        expect("0 pages are counted as wired, 1 are");
    }

    @Test
    void aPageOnTheWrongQueue() {
        page.activate();
        page.enter(QueueId.INACTIVE, VmPage.NO_BATCH);
        expect("is listed on ACTIVE");
        expect("INACTIVE has 0 pages, is counted as 0, and 1 pages are marked so");
    }

    @Test
    void aPageOfTheWrongBatch() {
        page.activate();
        int batch = page.batch();
        assertThat(batch).isPositive();
        page.enter(QueueId.ACTIVE, batch + 1);
        expect("batch " + (batch + 1) + ", is listed on ACTIVE, batch " + batch);
        page.enter(QueueId.ACTIVE, VmPage.NO_BATCH);
        expect("batch 0, is listed on ACTIVE, batch " + batch);
        page.enter(QueueId.ACTIVE, batch);
        f.check();
        assertThat(page.batch()).as("a check moves nothing").isEqualTo(batch);
    }

    @Test
    void aPageOfTheListThatSaysABatch() {
        page.activate();
        try (var cursor = f.pages.queue(QueueId.ACTIVE).scan()) {
            assertThat(cursor.next()).isSameAs(page);
        }
        assertThat(page.batch()).isEqualTo(VmPage.NO_BATCH);
        page.enter(QueueId.ACTIVE, 7);
        expect("batch 7, is listed on ACTIVE, batch 0");
    }

    @Test
    void aPageInABatchThatSaysItIsNot() {
        page.activate();
        page.leave();
        expect("ACTIVE has 1 pages, is counted as 1, and 0 pages are marked so");
    }

    @Test
    void aCachedPageThatItsOwnerCannotFind() {
        owner.backed = null;
        f.pages.cache(page);
        f.pages.cache(next);
        page.pindex = 17;
        expect("is not where its owner would find it");
    }

    @Test
    void aReservationThatMiscounts() {
        owner.color = 0;
        VmPage reserved = (VmPage) f.valid(owner, 1024);
        Reservation reservation = f.pages.freeMemory().reservations().of(reserved);
        reservation.queued = false;
        expect("is missing from the queue of reservations");
        reservation.queued = true;
        reservation.depopulate(0);
        expect("has 0 pages in use");
    }
}
