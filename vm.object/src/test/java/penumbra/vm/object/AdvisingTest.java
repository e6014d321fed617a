// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.kern.Fidelity;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

/** vm_object_madvise. */
class AdvisingTest {
    private Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void boot(Fidelity fidelity) {
        rig.close();
        rig = Rig.stepped(fidelity);
    }

    @Test
    void willneedActivates() {
        MemoryObject object = rig.anonymous(8);
        Page page = rig.fill(object, 1, 11);
        Page outside = rig.fill(object, 4, 14);
        rig.locked(object, page::deactivate);
        rig.locked(object, outside::deactivate);

        object.madvise(0, 4, Advice.WILLNEED);

        assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(outside.queue()).isEqualTo(QueueId.INACTIVE);
        assertThat(object.lock().isHeld()).isFalse();
    }

    @Test
    void willneedBringsCachedPagesBack() {
        MemoryObject object = rig.anonymous(8);
        for (int i = 0; i < 6; i++) {
            rig.fill(object, i, 10 + i);
        }
        rig.pageOut(object, 0, 6);
        rig.locked(object, () -> object.pageCache(0, 0));

        object.madvise(2, 5, Advice.WILLNEED);

        assertThat(rig.contents(object)).containsExactly("2=12", "3=13", "4=14");
        assertThat(rig.pages.counts().cache()).isEqualTo(3);
        assertThat(rig.lookup(object, 2).busied()).isFalse();
    }

    @Test
    void willneedFindsCachedPagesBehindGaps() {
        MemoryObject object = rig.anonymous(40);
        MemoryObject top = rig.shadowOf(object, 3, 30);
        rig.fill(object, 9, 19);
        rig.fill(object, 30, 40);
        rig.pageOut(object, 9, 1);
        rig.pageOut(object, 30, 1);
        rig.locked(object, () -> object.pageCache(0, 0));

        top.madvise(2, 30, Advice.WILLNEED);

        assertThat(rig.contents(object)).containsExactly("9=19", "30=40");
    }

    @Test
    void willneedReachesDownTheChain() {
        MemoryObject bottom = rig.anonymous(8);
        MemoryObject middle = rig.shadowOf(bottom, 1, 7);
        MemoryObject top = rig.shadowOf(middle, 2, 5);
        Page inBottom = rig.fill(bottom, 4, 14);
        Page hidden = rig.fill(bottom, 5, 15);
        Page inMiddle = rig.fill(middle, 4, 24);
        rig.locked(bottom, inBottom::deactivate);
        rig.locked(bottom, hidden::deactivate);
        rig.locked(middle, inMiddle::deactivate);

        top.madvise(0, 5, Advice.WILLNEED);

        assertThat(inBottom.queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(inMiddle.queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(hidden.queue()).isEqualTo(QueueId.INACTIVE);
        assertThat(bottom.lock().isHeld()).isFalse();
        assertThat(middle.lock().isHeld()).isFalse();
    }

    @Test
    void freeMakesPagesCleanAndForgetsTheirSwappedCopies() {
        MemoryObject object = rig.anonymous(8);
        for (int i = 0; i < 4; i++) {
            rig.fill(object, i, 10 + i);
        }
        rig.pageOut(object, 0, 4);
        rig.evict(object, 2);
        Page page = rig.fill(object, 1, 21);

        object.madvise(1, 8, Advice.FREE);

        assertThat(page.dirty()).isZero();
        assertThat(rig.swapped(object)).containsExactly(0L);
    }

    @Test
    void freeIsForMemoryThatIsMappedOnce() {
        MemoryObject object = rig.anonymous(8);
        Page page = rig.fill(object, 1, 11);
        rig.locked(object, () -> object.clearFlag(ObjectFlags.ONEMAPPING));
        object.madvise(0, 8, Advice.FREE);
        assertThat(page.dirty()).isEqualTo(Page.ALL);

        MemoryObject file = rig.fileObject(rig.file(4));
        Page filePage = rig.fill(file, 1, 11);
        file.madvise(0, 4, Advice.FREE);
        assertThat(filePage.dirty()).isEqualTo(Page.ALL);
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect5FreeNeverUncoversAnOlderPage(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject bottom = rig.anonymous(8);
        MemoryObject top = rig.shadowOf(bottom, 0, 8);
        Page older = rig.fill(bottom, 1, 11);
        Page page = rig.fill(top, 1, 21);

        top.madvise(0, 8, Advice.FREE);

        assertThat(page.dirty()).isEqualTo(fidelity.corrected() ? Page.ALL : 0);
        assertThat(older.dirty()).isEqualTo(Page.ALL);
    }

    @Test
    void freeReachesDownTheChainInTheOriginal() {
        boot(Fidelity.ORIGINAL);
        MemoryObject bottom = rig.anonymous(8);
        MemoryObject top = rig.shadowOf(bottom, 0, 8);
        Page shown = rig.fill(bottom, 2, 12);
        rig.fill(bottom, 5, 15);
        rig.pageOut(bottom, 5, 1);
        rig.evict(bottom, 5);

        top.madvise(0, 8, Advice.FREE);
        assertThat(shown.dirty()).isZero();
        assertThat(rig.swapped(bottom)).isEmpty();

        rig.fill(bottom, 2, 13);
        rig.locked(bottom, () -> bottom.clearFlag(ObjectFlags.ONEMAPPING));
        top.madvise(0, 8, Advice.FREE);
        assertThat(shown.dirty()).isEqualTo(Page.ALL);
    }

    @Test
    void unmanagedMemoryTakesNoAdvice() {
        MemoryObject object = rig.object(ObjectType.PHYS, 4);
        rig.locked(object, () -> rig.pages.grab(object, 1, 0).xunbusy());

        object.madvise(0, 4, Advice.WILLNEED);

        assertThat(rig.lookup(object, 1).queue()).isEqualTo(QueueId.NONE);
    }

    @Test
    void pagesInSomebodysHandsAreSkipped() {
        MemoryObject object = rig.anonymous(8);
        Page held = rig.fill(object, 0, 10);
        Page wired = rig.fill(object, 1, 11);
        Page partial = rig.fill(object, 2, 12);
        rig.locked(object, () -> {
            held.hold();
            wired.wire();
            partial.setValid(1);
        });

        object.madvise(0, 8, Advice.FREE);

        assertThat(held.dirty()).isEqualTo(Page.ALL);
        assertThat(wired.dirty()).isEqualTo(Page.ALL);
        assertThat(partial.dirty()).isEqualTo(Page.ALL);
        held.unhold();
    }

    @Test
    void busyPagesAreWaitedForAndProtectedFromTheDaemon() {
        MemoryObject bottom = rig.anonymous(8);
        MemoryObject top = rig.shadowOf(bottom, 0, 8);
        Page page = rig.fill(bottom, 1, 11);
        rig.locked(bottom, page::xbusy);

        rig.assertThrown(() -> top.madvise(0, 8, Advice.WILLNEED))
                .isInstanceOf(WouldBlock.class)
                .hasMessageContaining("madvpo");
        assertThat(page.aflags() & PageFlags.A_REFERENCED).isNotZero();
    }
}
