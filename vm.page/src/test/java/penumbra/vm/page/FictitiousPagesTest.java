// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.inspect.Violations;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.QueueId;

class FictitiousPagesTest {
    private static final int DEVICE = 900_000;
    private static final int DEVICE_END = DEVICE + 8;

    private final Fixture f = new Fixture(
            Execution.STEPPED,
            Fidelity.CORRECTED,
            TestMemory.general(Fixture.BASE, 123),
            new MemorySegment(SegmentUse.DEVICE, DEVICE, 8));
    private final TestOwner owner = f.lockedOwner("device object");

    FictitiousPagesTest() {
        owner.fictitious = true;
    }

    @AfterEach
    void nothingElseWasTouched() {
        f.pages.freeAll(owner);
        assertThat(f.pages.counts().free()).isEqualTo(123);
        assertThat(f.pages.counts().wired()).isZero();
        f.check();
        f.close();
    }

    private Page inserted(Page page, long pindex) {
        assertThat(f.pages.insert(page, owner, pindex)).isTrue();
        page.setValid(Page.ALL);
        page.xunbusy();
        return page;
    }

    @Test
    void deviceMemoryIsNobodysPagesAtFirst() {
        assertThat(f.pages.limits().pageCount()).isEqualTo(123);
        assertThat(f.pages.pageOfFrame(DEVICE)).isNull();
    }

    @Test
    void unmanagedOnesAreWiredForLifeAndFoundThroughTheirOwnerOnly() {
        Page page = f.pages.newFictitious(DEVICE + 1, MemoryAttribute.UNCACHEABLE);
        assertThat(page.xbusied()).isTrue();
        assertThat(page.managed()).isFalse();
        assertThat(page.flags() & PageFlags.FICTITIOUS).isNotZero();
        assertThat(page.memattr()).isEqualTo(MemoryAttribute.UNCACHEABLE);
        assertThat(f.pages.pageOfFrame(DEVICE + 1)).isNull();
        inserted(page, 7);
        assertThat(owner.pages.lookup(7)).isSameAs(page);
        page.wire();
        page.unwire(true);
        page.activate();
        page.deactivate();
        assertThat(page.wireCount()).isEqualTo(1);
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.tryToFree()).isFalse();
        assertThat(page.tryToCache()).isFalse();
        f.pages.updateFictitious(page, DEVICE + 2, MemoryAttribute.WRITE_BACK);
        assertThat(page.frame()).isEqualTo(DEVICE + 2);
        assertThat(page.memattr()).isEqualTo(MemoryAttribute.WRITE_BACK);
        f.check();
    }

    @Test
    void twoOwnersMayShowTheSameFrameUnmanaged() {
        inserted(f.pages.newFictitious(DEVICE, 0), 1);
        inserted(f.pages.newFictitious(DEVICE, 0), 2);
        inserted(f.pages.newManagedFictitious(DEVICE, 0), 3);
        f.check();
    }

    @Test
    void aFrameHasOneManagedPageAtATime() {
        Page page = f.pages.newManagedFictitious(DEVICE_END - 1, MemoryAttribute.WRITE_COMBINING);
        assertThat(page.managed()).isTrue();
        assertThat(f.pages.pageOfFrame(DEVICE_END - 1)).isSameAs(page);
        assertThat(f.pmap.pages().page(DEVICE_END - 1)).isSameAs(page);
        assertThat(f.pages.newManagedFictitious(DEVICE_END - 1, 0)).isNull();
        assertThatThrownBy(() -> f.pages.updateFictitious(page, DEVICE, 0)).isInstanceOf(KernelPanic.class);
        inserted(page, 0);
        page.activate();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        f.pages.free(page);
        assertThat(f.pages.pageOfFrame(DEVICE_END - 1)).isNull();
        inserted(f.pages.newManagedFictitious(DEVICE_END - 1, 0), 0);
    }

    @Test
    void onlyDeviceMemoryCanBeManaged() {
        assertThat(f.pages.newManagedFictitious(Fixture.BASE, 0)).isNull();
        assertThat(f.pages.newManagedFictitious(DEVICE - 1, 0)).isNull();
        assertThat(f.pages.newManagedFictitious(DEVICE_END, 0)).isNull();
    }

    @Test
    void theyEndWithTheirOwnerOrWhenFreedButOnce() {
        Page freed = inserted(f.pages.newFictitious(DEVICE, 0), 0);
        f.pages.free(freed);
        assertThat(freed.owner()).isNull();
        assertThatThrownBy(() -> f.pages.freeFictitious(freed)).isInstanceOf(KernelPanic.class);

        Page given = f.pages.newFictitious(DEVICE, 0);
        f.pages.freeFictitious(given);
        assertThatThrownBy(() -> f.pages.freeFictitious(given)).isInstanceOf(KernelPanic.class);

        Page kept = inserted(f.pages.newManagedFictitious(DEVICE, 0), 1);
        assertThatThrownBy(() -> f.pages.freeFictitious(kept)).isInstanceOf(KernelPanic.class);
        f.pages.freeAll(owner);
        owner.pages.assertEmpty();
        assertThat(f.pages.pageOfFrame(DEVICE)).isNull();
        assertThat(f.pages.counts().freed()).isZero();
    }

    @Test
    void oneTakesThePlaceOfAPageThatWasAllocatedForIt() {
        f.valid(owner, 3);
        Page placeholder = f.pages.alloc(owner, 4, 0);
        f.valid(owner, 5);
        Page page = f.pages.newFictitious(DEVICE, 0);
        assertThat(f.pages.replace(page, owner, 4)).isSameAs(placeholder);
        assertThat(placeholder.owner()).isNull();
        assertThat(placeholder.busied()).isFalse();
        assertThat(page.xbusied()).isTrue();
        assertThat(owner.pages.lookup(4)).isSameAs(page);
        assertThat(owner.pages.previous(page)).isSameAs(owner.page(3));
        assertThat(owner.pages.next(page)).isSameAs(owner.page(5));
        page.xunbusy();
        f.pages.free(placeholder);
        assertThatThrownBy(() -> f.pages.replace(page, owner, 3)).isInstanceOf(KernelPanic.class);
        Page other = f.pages.newFictitious(DEVICE, 0);
        assertThatThrownBy(() -> f.pages.replace(other, owner, 9)).isInstanceOf(KernelPanic.class);
        f.pages.freeFictitious(other);
        f.check();
    }

    @Test
    void realPagesAreNotFictitious() {
        Page real = f.valid(owner, 1);
        assertThatThrownBy(() -> f.pages.updateFictitious(real, DEVICE, 0)).isInstanceOf(KernelPanic.class);
        f.pages.remove(real);
        assertThatThrownBy(() -> f.pages.freeFictitious(real)).isInstanceOf(KernelPanic.class);
        f.pages.free(real);
    }

    @Test
    void theCheckFindsOnesThatWereForgotten() {
        Page lost = f.pages.newFictitious(DEVICE, 0);
        Violations violations = new Violations();
        f.pages.check(violations);
        assertThat(violations.messages()).anyMatch(message -> message.contains("fictitious and nobody's"));
        assertThat(violations.messages()).anyMatch(message -> message.contains("busy at rest"));
        f.pages.freeFictitious(lost);
    }
}
