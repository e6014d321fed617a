// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.page.PageDaemon;
import penumbra.page.PageFlags;
import penumbra.page.PageLimits;
import penumbra.page.QueueId;

class AllocationTest {
    /** A daemon that counts what it is told. */
    private static final class CountingDaemon implements PageDaemon {
        int wakeups;

        @Override
        public void wakeup() {
            wakeups++;
        }

        @Override
        public void step(String waitMessage) {
            throw new AssertionError("nobody waits here");
        }
    }

    private final Fixture f = Fixture.stepped(123);
    private final TestOwner owner = f.lockedOwner("owner");

    @AfterEach
    void unlock() {
        f.close();
    }

    @Test
    void theLimitsFollowFromTheNumberOfPages() {
        PageLimits limits = f.pages.limits();
        assertThat(limits).isEqualTo(new PageLimits(123, 42, 44, 46, 58, 41, 2, 44, 8));
        assertThat(f.pages.counts().free()).isEqualTo(123);
        assertThat(Fixture.stepped(9911).pages.counts().free()).isEqualTo(9911);
    }

    @Test
    void everyClassLeavesItsReserve() {
        CountingDaemon daemon = new CountingDaemon();
        f.pages.setDaemon(daemon);
        assertThat(take(Alloc.NORMAL)).isEqualTo(123 - 42);
        assertThat(f.pages.counts().deficit()).isEqualTo(1);
        assertThat(take(Alloc.SYSTEM)).isEqualTo(42 - 2);
        assertThat(take(Alloc.INTERRUPT)).isEqualTo(2);
        assertThat(f.pages.counts().free()).isZero();
        assertThat(f.pages.alloc(owner, 1000, Alloc.NORMAL | Alloc.count(16))).isNull();
        assertThat(f.pages.counts().takeDeficit()).isEqualTo(3 + 16);
        assertThat(f.pages.counts().deficit()).isZero();
        // Each of the last 44 pages taken leaves fewer than 44, and each of the four failures wakes it besides.
        assertThat(daemon.wakeups).isEqualTo(44 + 4);
    }

    private int take(int request) {
        int taken = 0;
        while (f.pages.alloc(owner, owner.pages.count(), request) != null) {
            taken++;
        }
        return taken;
    }

    @Test
    void theDaemonMayDigDeeperAndDoesNotWakeItself() {
        CountingDaemon daemon = new CountingDaemon();
        f.pages.setDaemon(daemon);
        f.pages.setDaemonThread(true);
        assertThat(f.pages.daemonThread()).isTrue();
        assertThat(take(Alloc.NORMAL)).isEqualTo(121);
        f.pages.setDaemonThread(false);
        assertThat(f.pages.daemonThread()).isFalse();
        assertThat(daemon.wakeups).isZero();
    }

    @Test
    void aNewPageIsBusyInvalidAndUnqueued() {
        owner.memattr = 3;
        Page page = f.pages.alloc(owner, 5, Alloc.NODUMP);
        assertThat(page.owner()).isSameAs(owner);
        assertThat(page.pindex()).isEqualTo(5);
        assertThat(page.xbusied()).isTrue();
        assertThat(page.valid()).isZero();
        assertThat(page.dirty()).isZero();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.managed()).isTrue();
        assertThat(page.memattr()).isEqualTo(3);
        assertThat(page.flags()).isEqualTo(PageFlags.NODUMP);
        assertThat(page.physicalAddress()).isEqualTo((long) page.frame() * 4096);
        assertThat(owner.holds.get()).isEqualTo(1);
        f.pages.free(page);
        assertThat(page.memattr()).isZero();
        assertThat(page.owner()).isNull();
        assertThat(owner.holds.get()).isZero();
        f.check();
    }

    @Test
    void requestsChooseBusyAndWired() {
        assertThat(f.pages.alloc(owner, 0, Alloc.NOBUSY).busied()).isFalse();
        assertThat(f.pages.alloc(owner, 1, Alloc.SBUSY).sharedBusy()).isEqualTo(1);
        Page wired = f.pages.alloc(owner, 2, Alloc.WIRED | Alloc.NOBUSY);
        assertThat(wired.wireCount()).isEqualTo(1);
        assertThat(f.pages.counts().wired()).isEqualTo(1);
        Page unowned = f.pages.allocUnowned(Alloc.NOOBJ | Alloc.WIRED);
        assertThat(unowned.busied()).isFalse();
        assertThat(unowned.managed()).isFalse();
        assertThat(unowned.wireCount()).isEqualTo(1);
        unowned.unwire(true);
        f.pages.free(unowned);
        assertThat(f.pages.counts().wired()).isEqualTo(1);
        assertThatThrownBy(() -> f.pages.alloc(owner, 2, 0)).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> f.pages.alloc(owner, 3, Alloc.SBUSY | Alloc.NOBUSY))
                .isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> f.pages.alloc(owner, 3, Alloc.NOOBJ)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void aZeroedPageIsKnownOnlyToWhoAsked() {
        Page page = f.pages.alloc(owner, 0, 0);
        page.setFlags(PageFlags.ZERO);
        f.pages.free(page);
        assertThat(f.pages.alloc(owner, 0, Alloc.ZERO).flags()).isZero();
        assertThat(f.pages.grab(owner, 1, Alloc.ZERO).valid()).isZero();
    }

    @Test
    void grabZeroesOnRequest() {
        Page page = f.pages.alloc(owner, 0, 0);
        f.memory.store(page.frame(), 8, 8, -1);
        f.pages.free(page);
        Page grabbed = f.pages.grab(owner, 0, Alloc.ZERO);
        assertThat(grabbed).isSameAs(page);
        assertThat(f.memory.load(page.frame(), 8, 8)).isZero();
    }

    @Test
    void grabTakesWhatIsThere() {
        Page page = f.valid(owner, 3);
        assertThat(f.pages.grab(owner, 3, Alloc.WIRED)).isSameAs(page);
        assertThat(page.xbusied()).isTrue();
        assertThat(page.wireCount()).isEqualTo(1);
        page.xunbusy();
        assertThat(f.pages.grab(owner, 3, Alloc.NOBUSY)).isSameAs(page);
        assertThat(page.busied()).isFalse();
        page.sbusy();
        assertThat(f.pages.grab(owner, 3, Alloc.SBUSY | Alloc.IGN_SBUSY).sharedBusy())
                .isEqualTo(2);
        assertThatThrownBy(() -> f.pages.grab(owner, 3, Alloc.SBUSY)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void insertTellsOfWriteableMappings() {
        TestOwner other = f.lockedOwner("other");
        Page page = f.valid(owner, 3);
        page.setWriteable(true);
        f.pages.remove(page);
        assertThat(page.owner()).isNull();
        assertThat(f.pages.insert(page, other, 9)).isTrue();
        assertThat(other.writeableDirty).isEqualTo(1);
        assertThat(other.holds.get()).isEqualTo(1);
        assertThat(owner.holds.get()).isZero();
        assertThatThrownBy(() -> f.pages.insert(page, owner, 1)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void renameMakesFullyDirtyAndEndsBusyButKeepsTheRest() {
        TestOwner other = f.lockedOwner("other");
        Page page = f.valid(owner, 3);
        page.activate();
        page.hold();
        page.xbusy();
        assertThat(f.pages.rename(page, other, 11)).isTrue();
        assertThat(page.busied()).isFalse();
        assertThat(page.dirty()).isEqualTo(Page.ALL);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(page.holdCount()).isEqualTo(1);
        assertThat(other.page(11)).isSameAs(page);
        assertThat(owner.pages.count()).isZero();
        page.unhold();
        f.check();
    }

    @Test
    void aFailedInsertionLeavesEverythingAsItWas() {
        TestOwner other = f.lockedOwner("other");
        Page page = f.valid(owner, 3);
        f.pages.failInsertions(3);
        assertThat(f.pages.rename(page, other, 11)).isFalse();
        assertThat(owner.page(3)).isSameAs(page);
        assertThat(page.dirty()).isZero();
        int free = f.pages.counts().free();
        assertThat(f.pages.alloc(other, 1, Alloc.WIRED)).isNull();
        assertThat(f.pages.counts().free()).isEqualTo(free);
        assertThat(f.pages.counts().wired()).isZero();
        f.pages.remove(page);
        assertThat(f.pages.insert(page, other, 11)).isFalse();
        assertThat(f.pages.insert(page, other, 11)).isTrue();
        assertThat(owner.holds.get()).isZero();
        assertThat(other.holds.get()).isEqualTo(1);
        f.check();
    }

    @Test
    void aHeldPageIsFreedByTheLastUnhold() {
        Page page = f.valid(owner, 3);
        page.activate();
        page.hold();
        page.hold();
        f.pages.free(page);
        assertThat(page.owner()).isNull();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.flags() & PageFlags.UNHOLDFREE).isNotZero();
        assertThat(f.pages.counts().free()).isEqualTo(122);
        page.unhold();
        assertThat(f.pages.counts().free()).isEqualTo(122);
        page.unhold();
        assertThat(f.pages.counts().free()).isEqualTo(123);
        assertThat(page.flags()).isEqualTo(PageFlags.FREE);
        assertThatThrownBy(page::unhold).isInstanceOf(KernelPanic.class);
    }

    @Test
    void whatIsInUseCannotBeFreed() {
        Page page = f.valid(owner, 3);
        page.wire();
        assertThatThrownBy(() -> f.pages.free(page)).isInstanceOf(KernelPanic.class);
        page.unwire(false);
        page.sbusy();
        assertThatThrownBy(() -> f.pages.free(page)).isInstanceOf(KernelPanic.class);
        page.sunbusy();
        f.pmap.map(page, false);
        assertThatThrownBy(() -> f.pages.free(page)).isInstanceOf(KernelPanic.class);
        f.pmap.removeAll(page);
        f.pages.free(page);
        assertThatThrownBy(() -> f.pages.free(page)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void changesNeedTheOwnersLock() {
        Page page = f.valid(owner, 3);
        owner.lock.unlock();
        List<Runnable> changes = List.of(
                page::activate,
                page::deactivate,
                page::wire,
                page::xbusy,
                page::sbusy,
                page::undirty,
                () -> page.setValidClean(0, 4096),
                () -> f.pages.remove(page),
                () -> f.pages.free(page),
                () -> f.pages.cache(page),
                () -> f.pages.alloc(owner, 4, 0),
                () -> owner.pages.lookup(3));
        for (Runnable change : changes) {
            assertThatThrownBy(change::run).isInstanceOf(KernelPanic.class);
        }
    }

    @Test
    void freedFramesAreOverwrittenOnRequest() {
        Page page = f.valid(owner, 3);
        f.pages.setFillFreedPages(true);
        page.hold();
        f.pages.free(page);
        assertThat(f.memory.load(page.frame(), 0, 8)).isZero();
        page.unhold();
        assertThat(f.memory.load(page.frame(), 4088, 8)).isEqualTo(0xDEADC0DE_DEADC0DEL);
    }

    @ParameterizedTest
    @EnumSource
    void freeAllLeavesWiredPagesToWhoWiredThem(Fidelity fidelity) {
        Fixture g = new Fixture(Execution.STEPPED, fidelity, TestMemory.general(Fixture.BASE, 1000));
        TestOwner object = g.lockedOwner("object");
        List<Page> wired = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            Page page = g.valid(object, 3L * i);
            if (i % 3 == 0) {
                page.activate();
            } else if (i % 3 == 1) {
                page.deactivate();
            }
            if (i % 100 == 50) {
                page.wire();
                page.wire();
                wired.add(page);
            }
        }
        object.page(0).hold();
        Page held = object.page(0);
        long visited = object.pages.nodesVisited();
        g.pages.freeAll(object);
        assertThat(object.pages.nodesVisited()).isEqualTo(visited);
        object.pages.assertEmpty();
        assertThat(object.holds.get()).isZero();
        assertThat(g.pages.counts().free()).isEqualTo(1000 - 4);
        assertThat(g.pages.counts().freed()).isEqualTo(297);
        assertThat(g.pages.counts().active() + g.pages.counts().inactive()).isZero();
        held.unhold();
        for (Page page : wired) {
            page.unwire(true);
            assertThat(g.pages.counts().wired()).isNotZero();
            page.unwire(true);
        }
        assertThat(g.pages.counts().wired()).isZero();
        assertThat(g.pages.counts().free()).isEqualTo(fidelity.corrected() ? 1000 : 997);
        g.check();
        object.lock.unlock();
    }
}
