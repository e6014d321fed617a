// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.page.Alloc;
import penumbra.page.Page;

class ReservationsTest {
    private static final int SIZE = Reservation.PAGES;

    private final Fixture f = Fixture.stepped(4 * SIZE);
    private final TestOwner owner = colored("owner", 0);

    private TestOwner colored(String name, int color) {
        TestOwner made = f.lockedOwner(name);
        made.color = color;
        made.backed = null;
        return made;
    }

    private Page alloc(TestOwner to, long pindex) {
        Page page = f.pages.alloc(to, pindex, Alloc.INTERRUPT);
        page.xunbusy();
        return page;
    }

    private long broken() {
        return f.pages.freeMemory().reservations().broken();
    }

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void neighboursInAnOwnerAreNeighboursInMemory() {
        Page page = alloc(owner, 700);
        assertThat(page.frame() % SIZE).isEqualTo(700 - SIZE);
        assertThat(alloc(owner, 600).frame()).isEqualTo(page.frame() - 100);
        assertThat(alloc(owner, 1023).frame()).isEqualTo(page.frame() + 323);
        assertThat(alloc(owner, 512).frame()).isEqualTo(page.frame() - 188);
        assertThat(owner.pages.reservationsEmpty()).isFalse();
        assertThat(f.pages.counts().free()).isEqualTo(4 * SIZE - 4);
        f.check();
        f.pages.freeAll(owner);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        assertThat(f.pages.freeMemory().reservations().freed()).isEqualTo(1);
        f.check();
    }

    @Test
    void theColorShiftsThePlace() {
        TestOwner shifted = colored("shifted", 1024 + 100);
        assertThat(alloc(shifted, 500).frame() % SIZE).isEqualTo(600 - SIZE);
        // Index 500 is slot 88 of a reservation that starts at index 412.
        assertThat(alloc(shifted, 412).frame() % SIZE).isZero();
        // Below 412 the reservation would start before the owner does.
        assertThat(alloc(shifted, 411).frame() % SIZE).isNotEqualTo(511);
        f.check();
    }

    @Test
    void onlyAWholeFreeStretchIsReserved() {
        owner.color = -1;
        alloc(owner, 511);
        owner.color = 0;
        alloc(owner, 0);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        alloc(owner, 600);
        assertThat(owner.pages.reservationsEmpty()).isFalse();
        f.pages.free(owner.page(600));
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        owner.color = -1;
        alloc(owner, 1000);
        owner.color = 0;
        alloc(owner, 600);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        f.check();
    }

    @Test
    void maySpeculateThatAnOwnerGrows() {
        owner.size = 100;
        owner.beyondEnd = false;
        alloc(owner, 5);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        owner.beyondEnd = true;
        f.pages.free(owner.page(5));
        alloc(owner, 5);
        assertThat(owner.pages.reservationsEmpty()).isFalse();
    }

    @Test
    void fictitiousOwnersReserveNothing() {
        owner.fictitious = true;
        alloc(owner, 5);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
    }

    @Test
    void aBrokenReservationGivesBackWhatIsUnused() {
        Page page = alloc(owner, 3);
        alloc(owner, 200);
        f.pages.breakReservations(owner);
        f.pages.breakReservations(owner);
        assertThat(broken()).isEqualTo(1);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        f.check();
        // Every page of it can be had now, each once.
        TestOwner others = f.lockedOwner("others");
        for (int i = 0; i < 4 * SIZE - 2; i++) {
            assertThat(alloc(others, i)).isNotSameAs(page);
        }
        f.check();
    }

    @Test
    void theReservationUsedLeastRecentlyGoesFirst() {
        TestOwner second = colored("second", 0);
        TestOwner plain = f.lockedOwner("plain");
        alloc(owner, 0);
        alloc(second, 0);
        alloc(owner, 1);
        for (int i = 0; i < 2 * SIZE; i++) {
            alloc(plain, i);
        }
        assertThat(broken()).isZero();
        alloc(plain, 2 * SIZE);
        assertThat(f.pages.freeMemory().reservations().reclaimed()).isEqualTo(1);
        assertThat(second.pages.reservationsEmpty()).isTrue();
        assertThat(owner.pages.reservationsEmpty()).isFalse();
        f.check();
    }

    @Test
    void aFullReservationIsNotReclaimed() {
        for (int i = 0; i < SIZE; i++) {
            alloc(owner, i);
        }
        assertThat(f.pages.freeMemory().reservations().oldest()).isNull();
        f.check();
        f.pages.free(owner.page(77));
        assertThat(f.pages.freeMemory().reservations().oldest()).isNotNull();
        f.check();
    }

    @Test
    void aCachedPageInAReservationComesBackToItsPlace() {
        Page page = alloc(owner, 10);
        alloc(owner, 11);
        page.setValid(Page.ALL);
        f.pages.cache(page);
        f.check();
        assertThat(alloc(owner, 10)).isSameAs(page);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(broken()).isZero();
        f.check();
    }

    @Test
    void aCachedPageElsewhereBreaksTheReservationItLiesIn() {
        Page page = alloc(owner, 10);
        alloc(owner, 11);
        page.setValid(Page.ALL);
        TestOwner second = colored("second", 0);
        assertThat(f.pages.rename(page, second, 40)).isTrue();
        page.undirty();
        f.pages.cache(page);
        f.check();
        assertThat(alloc(second, 40)).isSameAs(page);
        assertThat(broken()).isEqualTo(1);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        f.check();
    }

    @Test
    void aCachedPageAtAnotherIndexBreaksItsOwnersReservation() {
        Page page = alloc(owner, 10);
        alloc(owner, 11);
        page.setValid(Page.ALL);
        assertThat(f.pages.rename(page, owner, 40)).isTrue();
        page.undirty();
        f.pages.cache(page);
        assertThat(alloc(owner, 40)).isSameAs(page);
        assertThat(broken()).isEqualTo(1);
        f.check();
    }

    @Test
    void cachingTheLastPageFreesTheReservationWithThePageInside() {
        Page page = alloc(owner, 10);
        page.setValid(Page.ALL);
        f.pages.cache(page);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        // The whole block is kept apart, as a cached page is.
        assertThat(((VmPage) f.pages.pageOfFrame(page.frame() + 100)).pool).isEqualTo((byte) BuddyAllocator.CACHE);
        f.check();
        assertThat(alloc(owner, 10)).isSameAs(page);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        f.check();
    }

    @Test
    void aRenamedReservationServesItsNewOwner() {
        TestOwner front = colored("front", 0);
        Page page = alloc(owner, 1024 + 10);
        alloc(owner, 1024 + 20);
        assertThat(f.pages.rename(page, front, 10)).isTrue();
        f.pages.renameReservation(page, front, owner, 1024);
        assertThat(owner.pages.reservationsEmpty()).isTrue();
        assertThat(front.pages.reservationsEmpty()).isFalse();
        assertThat(alloc(front, 11).frame()).isEqualTo(page.frame() + 1);
        // The slot of a page that stayed behind is in use: another page is found for its index.
        assertThat(alloc(front, 20).frame()).isNotEqualTo(page.frame() + 10);
        f.pages.renameReservation(page, front, owner, 1024);
        assertThat(front.pages.reservationsEmpty()).isFalse();
        f.check();
    }
}
