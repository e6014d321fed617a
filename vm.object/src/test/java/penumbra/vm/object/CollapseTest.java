// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;

/** vm_object_collapse, qcollapse and the two backing scans. */
class CollapseTest {
    private Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void boot(Fidelity fidelity) {
        rig.close();
        rig = Rig.stepped(fidelity);
    }

    /** A shadow that is the only user of an object of 8 pages, from page {@code offset} on. */
    private MemoryObject soleShadow(long offset, long length) {
        return (MemoryObject) rig.core.shadow(shared(8), offset, length);
    }

    /** An object that looks shared to whoever shadows it, and is not afterwards. */
    private MemoryObject shared(long size) {
        MemoryObject object = rig.anonymous(size);
        object.reference();
        return object;
    }

    private static void forget(MemoryObject object) {
        object.lock().lock();
        object.forgetReference();
        object.lock().unlock();
    }

    private void collapse(MemoryObject object) {
        rig.locked(object, object::collapse);
    }

    @Test
    void swallowMovesWhatTheShadowLacks() {
        MemoryObject shadow = soleShadow(2, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        Page moved = rig.fill(backing, 3, 13, false);
        rig.fill(backing, 4, 14);
        rig.fill(backing, 7, 17);
        rig.fill(shadow, 2, 22);
        int free = rig.pages.counts().free();

        collapse(shadow);

        assertThat(rig.contents(shadow)).containsExactly("1=13", "2=22");
        assertThat(moved.owner()).isSameAs(shadow);
        assertThat(moved.dirty()).isEqualTo(Page.ALL);
        assertThat(shadow.backing()).isNull();
        assertThat(shadow.backingOffset()).isEqualTo(2);
        assertThat(rig.pages.counts().free()).isEqualTo(free + 3);
        assertThat(rig.core.collapses()).isEqualTo(1);
        assertThat(rig.core.find(1)).isNull();
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void swallowKeepsWhatIsBehind() {
        MemoryObject bottom = rig.anonymous(10);
        MemoryObject other = rig.shadowOf(bottom, 0, 10);
        MemoryObject middle = rig.shadowOf(bottom, 1, 8);
        MemoryObject top = rig.shadowOf(middle, 2, 4);
        rig.fill(bottom, 4, 14);
        forget(middle);

        collapse(top);

        assertThat(top.backing()).isSameAs(bottom);
        assertThat(top.backingOffset()).isEqualTo(3);
        assertThat(bottom.firstShadow()).isSameAs(top);
        assertThat(top.nextSibling()).isSameAs(other);
        assertThat(bottom.shadowCount()).isEqualTo(2);
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void swallowGivesTheChargeOfTheBackingObjectBack() {
        MemoryObject backing = rig.charged(8);
        MemoryObject shadow = rig.shadowOf(backing, 0, 8);
        forget(backing);

        collapse(shadow);

        assertThat(rig.accounting.reserved()).isZero();
        assertThat(shadow.charge()).isZero();
    }

    @Test
    void swallowTakesSwappedPagesOver() {
        MemoryObject shadow = soleShadow(1, 6);
        MemoryObject backing = shadow.backing();
        forget(backing);
        for (int i = 0; i < 8; i++) {
            rig.fill(backing, i, 10 + i);
        }
        rig.pageOut(backing, 0, 8);
        for (int i = 0; i < 8; i++) {
            rig.evict(backing, i);
        }
        rig.fill(shadow, 3, 99);
        rig.fill(shadow, 4, 98);
        rig.pageOut(shadow, 4, 1);
        long slots = rig.swap.available();

        collapse(shadow);

        assertThat(shadow.type()).isEqualTo(ObjectType.SWAP);
        assertThat(rig.swapped(shadow)).containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
        // Pages 0 and 7 were out of range, and page 5 was the shadow's page 4, which it had in swap itself.
        assertThat(rig.swap.available()).isEqualTo(slots + 3);
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void aPageOfTheShadowInSwapHidesTheOneBehind() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(shadow, 1, 21);
        rig.pageOut(shadow, 1, 1);
        rig.evict(shadow, 1);
        rig.fill(backing, 1, 11);

        collapse(shadow);

        assertThat(rig.contents(shadow)).isEmpty();
        assertThat(rig.swapped(shadow)).containsExactly(1L);
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect1FreesTheSwappedCopyOfTheMovedPage(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject shadow = soleShadow(1, 6);
        MemoryObject backing = shadow.backing();
        forget(backing);
        for (int i = 0; i < 4; i++) {
            rig.fill(backing, i, 10 + i);
        }
        rig.pageOut(backing, 0, 4);
        rig.evict(backing, 0);
        rig.evict(backing, 2);

        collapse(shadow);

        // Pages 1 and 3 moved, dirty, so that only page 2 is wanted from swap; the original loses that one and keeps
        // the
        // stale copies of the others.
        assertThat(rig.contents(shadow)).containsExactly("0=11", "2=13");
        assertThat(rig.swapped(shadow)).isEqualTo(fidelity.corrected() ? List.of(1L) : List.of(0L, 2L));
    }

    @Test
    void swallowPutsCachedPagesAway() {
        MemoryObject shadow = soleShadow(0, 8);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        rig.pageOut(backing, 0, 1);
        rig.locked(backing, () -> backing.pageCache(0, 0));
        assertThat(rig.pages.counts().cache()).isEqualTo(1);

        collapse(shadow);

        assertThat(rig.pages.counts().cache()).isZero();
        assertThat(rig.swapped(shadow)).containsExactly(0L);
    }

    @Test
    void swallowBreaksReservationsThatDoNotMove() {
        MemoryObject shadow = soleShadow(4, 2);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.locked(backing, () -> {
            backing.setSize(1024);
            backing.setColor(0);
        });
        rig.fill(backing, 600, 1);
        int free = rig.pages.counts().free();

        collapse(shadow);

        assertThat(rig.pages.counts().free()).isGreaterThan(free);
        assertThat(rig.core.collapses()).isEqualTo(1);
    }

    @Test
    void swallowTakesAReservationOverWithItsPages() {
        MemoryObject shadow = soleShadow(512, 512);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.locked(backing, () -> {
            backing.setSize(1024);
            backing.setColor(0);
        });
        rig.fill(backing, 600, 1);
        assertThat(backing.pages().reservationsEmpty()).isFalse();

        collapse(shadow);

        assertThat(rig.contents(shadow)).containsExactly("88=1");
        assertThat(shadow.pages().reservationsEmpty()).isFalse();
    }

    @Test
    void swallowSparesTheFrameOfAWiredPage() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        Page wired = rig.fill(backing, 6, 16);
        rig.locked(backing, wired::wire);

        collapse(shadow);

        assertThat(wired.owner()).isNull();
        assertThat(wired.wireCount()).isEqualTo(1);
        assertThat(rig.tag(wired)).isEqualTo(16);
    }

    @Test
    void anInvalidPageOfTheShadowHidesTheOneBehind() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 1, 11);
        rig.invalid(shadow, 1);

        collapse(shadow);

        assertThat(rig.contents(shadow)).containsExactly("1=invalid");
    }

    @Test
    void aMappedPageIsNeverFreed() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        Page page = rig.fill(backing, 6, 16);
        rig.map(page, 256, false);

        rig.assertThrown(() -> collapse(shadow))
                .isInstanceOf(KernelPanic.class)
                .hasMessageStartingWith("freeing mapped page 0x");
    }

    @Test
    void mappingsFollowAMovedPage() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        Page page = rig.fill(backing, 1, 11);
        var pmap = rig.map(page, 256, false);

        collapse(shadow);

        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(page.frame());
    }

    @Test
    void aBusyPageHasToBeWaitedFor() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        Page page = rig.fill(backing, 1, 11);
        rig.locked(backing, page::xbusy);

        rig.assertThrown(() -> collapse(shadow)).isInstanceOf(WouldBlock.class).hasMessageContaining("vmocol");
    }

    @Test
    void defect2AFullTrieIsWaitedForWithoutLocks() {
        MemoryObject shadow = soleShadow(0, 4);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        rig.fill(backing, 1, 11);
        rig.pages.failInsertions(1);

        collapse(shadow);

        assertThat(rig.memoryWaits).hasValue(1);
        assertThat(rig.contents(shadow)).containsExactly("0=10", "1=11");
        assertThat(shadow.backing()).isNull();
    }

    @Test
    void bypassLeavesOutWhatIsFullyShadowed() {
        MemoryObject bottom = rig.anonymous(10);
        MemoryObject middle = rig.shadowOf(bottom, 1, 8);
        MemoryObject top = rig.shadowOf(middle, 2, 3);
        rig.fill(bottom, 3, 33);
        rig.fill(middle, 0, 10);
        rig.fill(middle, 3, 13);
        rig.fill(middle, 7, 17);
        rig.fill(top, 1, 21);

        collapse(top);

        assertThat(top.backing()).isSameAs(bottom);
        assertThat(top.backingOffset()).isEqualTo(3);
        assertThat(middle.refCount()).isEqualTo(1);
        assertThat(middle.shadowCount()).isZero();
        assertThat(bottom.refCount()).isEqualTo(3);
        assertThat(rig.core.bypasses()).isEqualTo(1);
        assertThat(rig.contents(middle)).containsExactly("0=10", "3=13", "7=17");
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void bypassAtTheEndOfAChainKeepsTheOffset() {
        MemoryObject backing = shared(8);
        MemoryObject top = rig.shadowOf(backing, 2, 3);

        collapse(top);

        assertThat(top.backing()).isNull();
        assertThat(top.backingOffset()).isEqualTo(2);
        assertThat(backing.refCount()).isEqualTo(2);
    }

    @Test
    void oneVisiblePageIsEnoughToStay() {
        MemoryObject backing = shared(8);
        MemoryObject top = rig.shadowOf(backing, 0, 8);
        rig.fill(backing, 2, 12);
        rig.fill(backing, 5, 15);
        rig.fill(top, 2, 22);

        collapse(top);

        assertThat(top.backing()).isSameAs(backing);
    }

    @Test
    void anInvalidPageShadowsNothing() {
        MemoryObject backing = shared(8);
        MemoryObject top = rig.shadowOf(backing, 0, 8);
        rig.fill(backing, 2, 12);
        rig.invalid(top, 2);

        collapse(top);

        assertThat(top.backing()).isSameAs(backing);
    }

    @Test
    void aPageInSwapShadowsAsWell() {
        MemoryObject backing = shared(8);
        MemoryObject top = rig.shadowOf(backing, 0, 8);
        rig.fill(backing, 2, 12);
        rig.fill(top, 2, 22);
        rig.pageOut(top, 2, 1);
        rig.evict(top, 2);

        collapse(top);

        assertThat(top.backing()).isNull();
    }

    @Test
    void aBackingObjectThatWasPagedOutIsNeverBypassedPageByPage() {
        MemoryObject backing = shared(2);
        MemoryObject top = rig.shadowOf(backing, 0, 2);
        rig.fill(backing, 0, 10);
        rig.pageOut(backing, 0, 1);
        rig.fill(top, 0, 20);
        collapse(top);
        assertThat(top.backing()).isSameAs(backing);

        rig.fill(top, 1, 21);
        collapse(top);

        assertThat(top.backing()).isNull();
    }

    @Test
    void onlyPlainLivingMemoryCollapses() {
        MemoryObject file = rig.fileObject(rig.file(4));
        MemoryObject overFile = rig.shadowOf(file, 0, 4);
        forget(file);
        collapse(overFile);
        assertThat(overFile.backing()).isSameAs(file);

        MemoryObject dying = soleShadow(0, 4);
        forget(dying.backing());
        dying.backing().setFlag(ObjectFlags.DEAD);
        collapse(dying);
        assertThat(dying.backing()).isNotNull();

        MemoryObject named = soleShadow(0, 4);
        forget(named.backing());
        named.setHandle("shared memory");
        collapse(named);
        assertThat(named.backing()).isNotNull();
        assertThat(rig.core.collapses()).isZero();
    }

    @Test
    void qcollapseTakesIdlePagesWhileOthersAreOnTheirWay() {
        MemoryObject shadow = soleShadow(1, 6);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        rig.fill(backing, 1, 11);
        Page busy = rig.fill(backing, 2, 12);
        rig.fill(backing, 3, 13);
        rig.invalid(backing, 4);
        rig.fill(backing, 5, 15);
        rig.fill(shadow, 2, 22);
        rig.invalid(shadow, 4);
        rig.locked(backing, busy::sbusy);
        rig.locked(shadow, () -> shadow.pipAdd(1));

        collapse(shadow);

        assertThat(rig.contents(shadow)).containsExactly("0=11", "2=22", "4=invalid");
        assertThat(rig.contents(backing)).containsExactly("2=12", "4=invalid", "5=15");
        assertThat(shadow.backing()).isSameAs(backing);
        assertThat(backing.has(ObjectFlags.DEAD)).isFalse();
    }

    @Test
    void qcollapseNeedsToBeTheOnlyUser() {
        MemoryObject shadow = soleShadow(0, 8);
        MemoryObject backing = shadow.backing();
        rig.fill(backing, 0, 10);
        rig.locked(backing, () -> backing.pipAdd(1));

        collapse(shadow);

        assertThat(rig.contents(shadow)).isEmpty();
    }

    @Test
    void qcollapseDoesNotWaitForMemory() {
        MemoryObject shadow = soleShadow(0, 8);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        rig.fill(backing, 1, 11);
        rig.locked(backing, () -> backing.pipAdd(1));
        rig.pages.failInsertions(1);

        collapse(shadow);

        assertThat(rig.memoryWaits).hasValue(0);
        assertThat(rig.contents(shadow)).containsExactly("1=11");
        assertThat(rig.contents(backing)).containsExactly("0=10");
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void qcollapseLosesTheSwappedCopyOfAPageThatStaysInTheOriginalOnly(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject shadow = soleShadow(0, 8);
        MemoryObject backing = shadow.backing();
        forget(backing);
        rig.fill(backing, 0, 10);
        rig.pageOut(backing, 0, 1);
        rig.invalid(shadow, 0);
        rig.locked(shadow, () -> shadow.pipAdd(1));

        collapse(shadow);

        assertThat(rig.contents(backing)).containsExactly("0=10");
        assertThat(rig.swapped(backing)).isEqualTo(fidelity.corrected() ? List.of(0L) : List.of());
    }
}
