// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelPanic;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

class CachedPagesTest {
    private final Fixture f = Fixture.stepped(123);
    private final TestOwner file = f.lockedOwner("file");
    private final TestOwner other = f.lockedOwner("other");

    CachedPagesTest() {
        file.backed = null;
        other.backed = null;
    }

    private Page cached(TestOwner owner, long pindex) {
        Page page = f.valid(owner, pindex);
        f.pages.cache(page);
        return page;
    }

    /** Caches {@code count} pages at every {@code step}th index; all are taken first, lest one replaces the other. */
    private void cached(TestOwner owner, int count, int step) {
        for (int i = 0; i < count; i++) {
            f.valid(owner, i * step);
        }
        for (int i = 0; i < count; i++) {
            f.pages.cache(owner.page(i * step));
        }
    }

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void aCachedPageComesBackWithItsContents() {
        Page page = f.valid(file, 4);
        page.setValid(0x3f);
        page.activate();
        page.setAflags(PageFlags.A_REFERENCED);
        f.pages.cache(page);
        assertThat(file.pages.count()).isZero();
        assertThat(file.pages.cacheEmpty()).isFalse();
        assertThat(file.pages.lookup(4)).isNull();
        assertThat(file.pages.findLeastCached(0)).isSameAs(page);
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.flags()).isEqualTo(PageFlags.CACHED);
        assertThat(page.aflags()).isZero();
        assertThat(f.pages.counts().cache()).isEqualTo(1);
        assertThat(f.pages.counts().free()).isEqualTo(122);
        assertThat(f.pages.counts().available()).isEqualTo(123);
        assertThat(f.pages.isCached(file, 4)).isTrue();
        assertThat(f.pages.isCached(file, 5)).isFalse();
        f.check();

        assertThat(f.pages.alloc(file, 4, Alloc.IFNOTCACHED)).isNull();
        assertThat(f.pages.alloc(file, 5, Alloc.IFCACHED)).isNull();
        assertThat(f.pages.counts().deficit()).isZero();
        assertThat(f.pages.alloc(file, 4, Alloc.IFCACHED)).isSameAs(page);
        assertThat(page.valid()).isEqualTo(0x3f);
        assertThat(page.flags()).isZero();
        assertThat(f.pages.counts().reactivated()).isEqualTo(1);
        assertThat(f.pages.counts().cache()).isZero();
        assertThat(f.pages.counts().free()).isEqualTo(122);
        assertThat(((VmPage) page).pool).isEqualTo((byte) BuddyAllocator.DEFAULT);
        page.xunbusy();
        f.check();
    }

    @Test
    void whatCouldNotBeBroughtBackIsFreed() {
        file.backed = java.util.Set.of(2L);
        Page kept = cached(file, 2);
        Page lost = cached(file, 3);
        assertThat(kept.flags()).isEqualTo(PageFlags.CACHED);
        assertThat(lost.flags()).isEqualTo(PageFlags.FREE);
        Page invalid = f.pages.alloc(file, 9, Alloc.NOBUSY);
        file.backed = null;
        f.pages.cache(invalid);
        assertThat(invalid.flags()).isEqualTo(PageFlags.FREE);
        f.check();
    }

    @Test
    void onlyCleanPagesInNobodysWayAreCached() {
        Page page = f.valid(file, 1);
        page.hold();
        assertThatThrownBy(() -> f.pages.cache(page)).isInstanceOf(KernelPanic.class);
        assertThat(page.tryToCache()).isFalse();
        assertThat(page.tryToFree()).isFalse();
        page.unhold();
        page.wire();
        assertThat(page.tryToCache()).isFalse();
        page.unwire(true);
        page.sbusy();
        assertThat(page.tryToCache()).isFalse();
        page.sunbusy();
        page.makeDirty();
        assertThat(page.tryToCache()).isFalse();
        assertThatThrownBy(() -> f.pages.cache(page)).isInstanceOf(KernelPanic.class);
        page.undirty();
        f.pmap.map(page, true).modified = true;
        assertThat(page.tryToCache()).isFalse();
        assertThat(page.dirty()).isEqualTo(Page.ALL);
        assertThat(f.pmap.isMapped(page)).isFalse();
        page.undirty();
        f.pmap.map(page, true);
        assertThat(page.tryToCache()).isTrue();
        assertThat(f.pmap.isMapped(page)).isFalse();
        Page freed = f.valid(file, 2);
        assertThat(freed.tryToFree()).isTrue();
        assertThat(freed.flags()).isEqualTo(PageFlags.FREE);
        f.check();
    }

    /** One hold for resident pages, one for cached ones. */
    @Test
    void theHoldsFollowResidentAndCachedPages() {
        Page first = f.valid(file, 1);
        Page second = f.valid(file, 2);
        assertThat(file.holds.get()).isEqualTo(1);
        f.pages.cache(first);
        assertThat(file.holds.get()).isEqualTo(2);
        f.pages.cache(second);
        assertThat(file.holds.get()).isEqualTo(1);
        f.pages.alloc(file, 1, 0);
        assertThat(file.holds.get()).isEqualTo(2);
        f.pages.alloc(file, 2, 0);
        assertThat(file.holds.get()).isEqualTo(1);
        first.xunbusy();
        second.xunbusy();
        f.pages.free(second);
        f.pages.cache(first);
        assertThat(file.holds.get()).isEqualTo(1);
        assertThat(f.pages.alloc(file, 1, 0)).isSameAs(first);
        assertThat(file.holds.get()).isEqualTo(1);
        first.xunbusy();
        f.pages.cache(first);
        f.pages.cacheFree(file, 0, 0);
        assertThat(file.holds.get()).isZero();
        assertThat(f.pages.counts().free()).isEqualTo(123);
        f.check();
    }

    @Test
    void aFailedAllocationKeepsTheHolds() {
        cached(file, 1);
        assertThat(f.pages.alloc(file, 1, Alloc.IFNOTCACHED)).isNull();
        assertThat(file.holds.get()).isEqualTo(1);
        f.pages.failInsertions(1);
        assertThat(f.pages.alloc(file, 1, 0)).isNull();
        assertThat(file.holds.get()).isZero();
        f.check();
    }

    @Test
    void theLastPagesAreTakenFromWhoeverCachedThem() {
        cached(file, 80, 1);
        assertThat(f.pages.counts().free()).isEqualTo(43);
        assertThat(file.holds.get()).isEqualTo(1);
        for (int i = 0; i < 123; i++) {
            Page page = f.pages.alloc(other, i, Alloc.INTERRUPT);
            assertThat(page.valid()).isZero();
            page.xunbusy();
        }
        assertThat(f.pages.counts().cache()).isZero();
        assertThat(f.pages.counts().reactivated()).isZero();
        assertThat(file.pages.cacheEmpty()).isTrue();
        assertThat(file.holds.get()).isZero();
        f.check();
    }

    @Test
    void forgetsARange() {
        cached(file, 10, 2);
        f.pages.cacheFree(file, 3, 8);
        assertThat(f.pages.counts().cache()).isEqualTo(8);
        assertThat(f.pages.isCached(file, 2)).isTrue();
        assertThat(f.pages.isCached(file, 4)).isFalse();
        assertThat(f.pages.isCached(file, 6)).isFalse();
        assertThat(f.pages.isCached(file, 8)).isTrue();
        f.pages.cacheFree(file, 9, 0);
        assertThat(f.pages.counts().cache()).isEqualTo(3);
        f.check();
    }

    @Test
    void movesARangeToANewOwner() {
        cached(file, 10, 1);
        other.size = 5;
        Page fourth = (Page) file.pages.findLeastCached(4);
        f.pages.cacheTransfer(file, 4, other);
        assertThat(other.pages.findLeastCached(0)).isSameAs(fourth);
        assertThat(f.pages.isCached(other, 4)).isTrue();
        assertThat(f.pages.isCached(other, 5)).isFalse();
        assertThat(f.pages.isCached(file, 3)).isTrue();
        assertThat(f.pages.isCached(file, 4)).isFalse();
        assertThat(f.pages.isCached(file, 9)).isTrue();
        assertThat(other.holds.get()).isEqualTo(1);
        assertThat(file.holds.get()).isEqualTo(1);
        f.check();
        assertThat(f.pages.alloc(other, 0, 0)).isSameAs(fourth);
        assertThat(fourth.valid()).isEqualTo(Page.ALL);
        assertThatThrownBy(() -> f.pages.cacheTransfer(file, 0, other)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void aRenamedPageReplacesWhatWasCachedAtItsPlace() {
        cached(other, 6);
        Page page = f.valid(file, 1);
        assertThat(f.pages.rename(page, other, 6)).isTrue();
        assertThat(f.pages.isCached(other, 6)).isFalse();
        assertThat(f.pages.counts().cache()).isZero();
        assertThat(other.holds.get()).isEqualTo(1);
        f.check();
    }

    @Test
    void anOwnerThatDiesMustHaveLetGoOfEverything() {
        cached(file, 1);
        assertThatThrownBy(file.pages::assertEmpty).isInstanceOf(KernelPanic.class);
        f.pages.cacheFree(file, 0, 0);
        file.pages.assertEmpty();
        f.valid(file, 1);
        assertThatThrownBy(file.pages::assertEmpty).isInstanceOf(KernelPanic.class);
    }
}
