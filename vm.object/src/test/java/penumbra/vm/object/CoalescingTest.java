// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.account.SwapAccounting;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFlags;

/** vm_object_coalesce. */
class CoalescingTest {
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
    void theObjectGrows() {
        MemoryObject object = rig.anonymous(8);
        object.reference();

        assertThat(object.coalesce(0, 8, 4, false)).isTrue();

        assertThat(object.size()).isEqualTo(12);
        assertThat(object.lock().isHeld()).isFalse();
    }

    @Test
    void whatIsLeftInTheNewRangeIsDiscarded() {
        MemoryObject object = rig.anonymous(8);
        rig.fill(object, 3, 13);
        rig.fill(object, 5, 15);
        rig.fill(object, 7, 17);
        rig.pageOut(object, 5, 1);

        assertThat(object.coalesce(1, 3, 2, false)).isTrue();

        assertThat(rig.contents(object)).containsExactly("3=13", "7=17");
        assertThat(rig.swapped(object)).isEmpty();
        assertThat(object.size()).isEqualTo(8);
    }

    @Test
    void onlyPlainMemoryWithoutBackingObjectGrows() {
        MemoryObject file = rig.fileObject(rig.file(2));
        assertThat(file.coalesce(0, 2, 2, false)).isFalse();

        MemoryObject tmpfs = rig.anonymous(2);
        tmpfs.setFlag(ObjectFlags.TMPFS);
        assertThat(tmpfs.coalesce(0, 2, 2, false)).isFalse();

        MemoryObject bottom = rig.anonymous(2);
        MemoryObject shadow = rig.shadowOf(bottom, 0, 2);
        rig.fill(bottom, 0, 1);
        assertThat(shadow.coalesce(0, 2, 2, false)).isFalse();
        assertThat(shadow.lock().isHeld()).isFalse();
    }

    @Test
    void aBackingObjectThatCanGoIsNoObstacle() {
        MemoryObject shadow = rig.shadowOf(rig.anonymous(2), 0, 2);

        assertThat(shadow.coalesce(0, 2, 2, false)).isTrue();

        assertThat(rig.core.bypasses()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void aChargedObjectPaysForItsGrowth(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject object = rig.charged(8);

        assertThat(object.coalesce(0, 8, 4, false)).isTrue();

        assertThat(object.charge()).isEqualTo(PageSize.bytes(12));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(12));
    }

    @Test
    void whatTheCallerReservedIsNotReservedAgain() {
        MemoryObject object = rig.charged(8);
        rig.accounting.reserve(PageSize.bytes(4), Rig.PAYER);

        assertThat(object.coalesce(0, 8, 4, true)).isTrue();

        assertThat(object.charge()).isEqualTo(PageSize.bytes(12));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(12));
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect3AFailedReservationLeavesTheObjectUnlocked(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject object = rig.charged(8);
        rig.accounting.setUserLimit(Rig.PAYER.uid(), PageSize.bytes(10));
        rig.accounting.setOvercommit(SwapAccounting.LIMIT_USER);

        assertThat(object.coalesce(0, 8, 4, false)).isFalse();

        assertThat(object.lock().isHeld()).isFalse();
        assertThat(object.size()).isEqualTo(8);
        assertThat(object.charge()).isEqualTo(PageSize.bytes(8));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(8));
    }

    @Test
    void pagesThatWerePaidForArePaidForAgain() {
        MemoryObject object = rig.charged(8);

        assertThat(object.coalesce(0, 4, 6, false)).isTrue();

        assertThat(object.size()).isEqualTo(10);
        assertThat(object.charge()).isEqualTo(PageSize.bytes(14));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(14));
    }

    @Test
    void defect30PagesThatAreUsedAgainAreNotPaidForAgain() {
        MemoryObject object = rig.charged(8);
        object.reference();

        assertThat(object.coalesce(0, 4, 6, false)).isTrue();

        assertThat(object.charge()).isEqualTo(PageSize.bytes(10));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(10));
    }

    @Test
    void defect30WhatTheCallerReservedTooMuchIsGivenBack() {
        MemoryObject object = rig.charged(8);
        object.reference();
        rig.accounting.reserve(PageSize.bytes(6), Rig.PAYER);

        assertThat(object.coalesce(0, 4, 6, true)).isTrue();

        assertThat(object.charge()).isEqualTo(PageSize.bytes(10));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(10));
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect22UnusedPagesOfAnObjectWithOneMappingAPageAreUsedAgain(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject object = rig.anonymous(8);
        object.reference();
        rig.fill(object, 1, 11);
        rig.fill(object, 5, 15);

        assertThat(object.coalesce(0, 4, 2, false)).isEqualTo(fidelity.corrected());

        assertThat(rig.contents(object))
                .containsExactly(fidelity.corrected() ? new String[] {"1=11"} : new String[] {"1=11", "5=15"});
    }

    @Test
    void defect30WhatASplitTookAwayIsPaidForAgain() {
        MemoryObject object = rig.charged(8);
        object.reference();
        object.lock().lock();
        rig.core.split(object, 4, 4).lock().unlock();
        assertThat(object.charge()).isEqualTo(PageSize.bytes(4));

        assertThat(object.coalesce(0, 4, 4, false)).isTrue();

        assertThat(object.charge()).isEqualTo(PageSize.bytes(8));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(12));
    }

    @Test
    void aHoleBetweenTwoMappingsStaysOne() {
        MemoryObject object = rig.anonymous(12);
        object.reference();
        rig.locked(object, () -> object.clearFlag(ObjectFlags.ONEMAPPING));
        rig.fill(object, 5, 15);

        assertThat(object.coalesce(0, 4, 4, false)).isFalse();

        assertThat(rig.contents(object)).containsExactly("5=15");
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void defect25AFaultUnderWayMayStillNeedTheRange(Fidelity fidelity) {
        boot(fidelity);
        MemoryObject object = rig.anonymous(8);
        rig.locked(object, () -> object.pipAdd(1));

        assertThat(object.coalesce(0, 4, 4, false)).isEqualTo(!fidelity.corrected());
        assertThat(object.coalesce(0, 8, 4, false)).isTrue();
    }
}
