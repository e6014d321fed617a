// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;

/** vm_object_shadow and vm_object_split. */
class SplitTest {
    private final Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    /** Splits and leaves the result unlocked. */
    private MemoryObject split(MemoryObject object, long offset, long length) {
        object.lock().lock();
        MemoryObject result = (MemoryObject) rig.core.split(object, offset, length);
        assertThat(result.lock().isHeld()).isTrue();
        assertThat(result == object || !object.lock().isHeld()).isTrue();
        result.lock().unlock();
        return result;
    }

    @Test
    void shadowTakesTheReferenceOver() {
        MemoryObject source = rig.anonymous(8);
        source.reference();

        MemoryObject shadow = (MemoryObject) rig.core.shadow(source, 3, 4);

        assertThat(shadow.backing()).isSameAs(source);
        assertThat(shadow.backingOffset()).isEqualTo(3);
        assertThat(shadow.size()).isEqualTo(4);
        assertThat(source.refCount()).isEqualTo(2);
        assertThat(source.firstShadow()).isSameAs(shadow);
        assertThat(source.shadowCount()).isEqualTo(1);
    }

    @Test
    void shadowOfPrivateMemoryIsThatMemory() {
        MemoryObject source = rig.anonymous(8);

        assertThat(rig.core.shadow(source, 3, 4)).isSameAs(source);
        assertThat(source.lock().isHeld()).isFalse();
    }

    @Test
    void shadowOfAFileIsAlwaysNew() {
        MemoryObject file = rig.fileObject(rig.file(4));

        assertThat(rig.core.shadow(file, 0, 4)).isNotSameAs(file);
    }

    @Test
    void shadowOfNothingHasNothingBehind() {
        MemoryObject shadow = (MemoryObject) rig.core.shadow(null, 5, 4);

        assertThat(shadow.backing()).isNull();
        assertThat(shadow.size()).isEqualTo(4);
    }

    @Test
    void shadowTakesTheColorOver() {
        MemoryObject source = rig.anonymous(8);
        source.reference();
        rig.locked(source, () -> source.setColor(4094));

        MemoryObject shadow = (MemoryObject) rig.core.shadow(source, 3, 4);

        assertThat(shadow.colored()).isTrue();
        assertThat(shadow.color()).isEqualTo(1);
    }

    @Test
    void splitOfWhatOneMappingHasIsThatObject() {
        MemoryObject object = rig.anonymous(8);

        assertThat(split(object, 2, 4)).isSameAs(object);
    }

    @Test
    void splitOfAFileIsThatObject() {
        MemoryObject object = rig.fileObject(rig.file(4));
        object.reference();

        assertThat(split(object, 0, 2)).isSameAs(object);
    }

    @Test
    void splitMovesPagesAndCharge() {
        MemoryObject object = rig.charged(8);
        object.reference();
        Page mapped = rig.fill(object, 3, 13, false);
        rig.fill(object, 1, 11);
        rig.fill(object, 5, 15);
        rig.fill(object, 6, 16);
        var pmap = rig.map(mapped, 256, false);

        MemoryObject fresh = split(object, 2, 4);

        assertThat(rig.contents(fresh)).containsExactly("1=13", "3=15");
        assertThat(rig.contents(object)).containsExactly("1=11", "6=16");
        assertThat(mapped.dirty()).isEqualTo(Page.ALL);
        assertThat(mapped.busied()).isFalse();
        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(mapped.frame());
        assertThat(fresh.size()).isEqualTo(4);
        assertThat(fresh.cred()).isEqualTo(Rig.PAYER);
        assertThat(fresh.charge()).isEqualTo(PageSize.bytes(4));
        assertThat(object.charge()).isEqualTo(PageSize.bytes(4));
        assertThat(rig.accounting.reserved()).isEqualTo(PageSize.bytes(8));
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void splitNeverHandsOverMoreThanWasPaid() {
        MemoryObject object = rig.charged(8);
        object.reference();
        rig.locked(object, () -> object.setCharge(Rig.PAYER, PageSize.bytes(2)));

        rig.assertThrown(() -> split(object, 0, 4)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void splitSharesWhatIsBehind() {
        MemoryObject bottom = rig.anonymous(20);
        MemoryObject object = rig.shadowOf(bottom, 5, 8);
        object.reference();

        MemoryObject fresh = split(object, 2, 4);

        assertThat(fresh.backing()).isSameAs(bottom);
        assertThat(fresh.backingOffset()).isEqualTo(7);
        assertThat(bottom.refCount()).isEqualTo(3);
        assertThat(bottom.firstShadow()).isSameAs(fresh);
        assertThat(bottom.has(ObjectFlags.ONEMAPPING)).isFalse();
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void splitLeavesAnObjectOverADyingOneAlone() {
        MemoryObject bottom = rig.anonymous(20);
        MemoryObject object = rig.shadowOf(bottom, 5, 8);
        object.reference();
        bottom.setFlag(ObjectFlags.DEAD);
        rig.fill(object, 2, 12);

        assertThat(split(object, 2, 4)).isSameAs(object);
        assertThat(rig.contents(object)).containsExactly("2=12");
        assertThat(object.refCount()).isEqualTo(2);
        assertThat(rig.core.find(3)).isNull();
    }

    @Test
    void splitMovesSwappedAndCachedPages() {
        MemoryObject object = rig.anonymous(8);
        object.reference();
        for (int i = 0; i < 8; i++) {
            rig.fill(object, i, 10 + i);
        }
        rig.pageOut(object, 0, 8);
        rig.evict(object, 0);
        rig.evict(object, 3);
        rig.locked(object, () -> object.pageCache(2, 3));

        MemoryObject fresh = split(object, 2, 4);

        assertThat(fresh.type()).isEqualTo(ObjectType.SWAP);
        assertThat(rig.contents(fresh)).containsExactly("2=14", "3=15");
        assertThat(rig.swapped(fresh)).containsExactly(0L, 1L, 2L, 3L);
        assertThat(rig.swapped(object)).containsExactly(0L, 1L, 6L, 7L);
        assertThat(fresh.pages().cacheEmpty()).isFalse();
        assertThat(object.pages().cacheEmpty()).isTrue();
        for (Page page = fresh.pages().first();
                page != null;
                page = fresh.pages().after(page)) {
            assertThat(page.busied()).isFalse();
        }
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void splitHandsAReservationOver() {
        MemoryObject object = rig.anonymous(1024);
        object.reference();
        rig.locked(object, () -> object.setColor(0));
        rig.fill(object, 513, 1);
        assertThat(object.pages().reservationsEmpty()).isFalse();

        MemoryObject fresh = split(object, 512, 512);

        assertThat(object.pages().reservationsEmpty()).isTrue();
        assertThat(fresh.pages().reservationsEmpty()).isFalse();
    }

    @Test
    void splitWaitsForBusyPages() {
        MemoryObject object = rig.anonymous(8);
        object.reference();
        Page page = rig.fill(object, 3, 13);
        rig.locked(object, page::sbusy);

        rig.assertThrown(() -> split(object, 2, 4))
                .isInstanceOf(WouldBlock.class)
                .hasMessageContaining("spltwt");
    }

    @Test
    void splitLeavesBusyPagesOutsideTheRangeAlone() {
        MemoryObject object = rig.anonymous(8);
        object.reference();
        Page page = rig.fill(object, 7, 17);
        rig.locked(object, page::sbusy);

        assertThat(split(object, 2, 4)).isNotSameAs(object);
    }

    @Test
    void splitWaitsForTrieNodesWithoutLocks() {
        MemoryObject object = rig.anonymous(8);
        object.reference();
        rig.fill(object, 2, 12);
        rig.fill(object, 3, 13);
        rig.pages.failInsertions(1);

        MemoryObject fresh = split(object, 2, 4);

        assertThat(rig.memoryWaits).hasValue(1);
        assertThat(rig.contents(fresh)).containsExactly("0=12", "1=13");
    }
}
