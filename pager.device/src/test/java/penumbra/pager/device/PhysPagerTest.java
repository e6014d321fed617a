// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.PageRun;

/** Memory that stays: zeroes at first, shared by name, never on a queue, never written anywhere. */
class PhysPagerTest {
    private static final long AT = 256;

    private final DeviceMachine m = DeviceMachine.stepped(Fidelity.CORRECTED);

    @AfterEach
    void close() {
        m.close();
    }

    private long hasPage(VmObject object, long pindex) {
        object.lock().lock();
        long has = m.pagers.pagers().hasPage(object, pindex);
        object.lock().unlock();
        return has;
    }

    @Test
    void itsPagesAreZeroesWhateverTheFrameHeldBefore() {
        VmObject object = m.allocate(ObjectType.PHYS, null, 200);
        DeviceMachine.User program = m.user("program");
        program.map(object, 0, AT, 200, true);
        for (long page = 0; page < 200; page++) {
            for (int offset = 0; offset < PageSize.BYTES; offset += 1016) {
                assertThat(program.load(AT + page, offset)).isZero();
            }
            program.store(AT + page, 0, page);
        }
        for (long page = 0; page < 200; page++) {
            assertThat(program.load(AT + page, 0)).isEqualTo(page);
        }
        assertThat(program.process.space().faults().zeroFill()).isPositive();
        assertThat(program.process.space().faults().fileRead()).isZero();
    }

    @Test
    void aFaultFillsItsNeighboursToo() {
        VmObject object = m.allocate(ObjectType.PHYS, null, 40);
        DeviceMachine.User program = m.user("program");
        program.map(object, 0, AT, 40, true);
        program.store(AT + 20, 0, 1);
        assertThat(object.pages().count()).isGreaterThan(1);
        for (Page page = object.pages().first();
                page != null;
                page = object.pages().after(page)) {
            assertThat(page.valid()).isEqualTo(Page.ALL);
            assertThat(page.busied()).isFalse();
        }
    }

    @Test
    void itsPagesNeverLeaveMemory() {
        VmObject object = m.allocate(ObjectType.PHYS, null, 8);
        DeviceMachine.User program = m.user("program");
        program.map(object, 0, AT, 8, true);
        program.store(AT + 5, 0, 55);
        Page page = m.page(object, 5);
        assertThat(page.managed()).isFalse();
        object.lock().lock();
        page.activate();
        page.deactivate();
        assertThat(page.queue()).isEqualTo(QueueId.NONE);
        assertThat(page.tryToCache()).isFalse();
        assertThat(page.tryToFree()).isFalse();
        object.lock().unlock();
        assertThat(program.msync(AT, 8, true)).isEqualTo(KernReturn.SUCCESS);
        assertThat(m.page(object, 5)).isSameAs(page);
        assertThat(program.load(AT + 5, 0)).isEqualTo(55);
        assertThat(m.pages.counts().active() + m.pages.counts().inactive()).isZero();
    }

    @Test
    void aNameStandsForOneObjectThatOnlyGrows() {
        VmObject object = m.hold(m.allocate(ObjectType.PHYS, "segment", 8));
        DeviceMachine.User one = m.user("one");
        DeviceMachine.User two = m.user("two");
        one.map(m.allocate(ObjectType.PHYS, "segment", 20), 0, AT, 20, true);
        two.map(m.allocate(ObjectType.PHYS, "segment", 5), 0, AT, 5, true);
        assertThat(object.size()).isEqualTo(20);
        assertThat(object.refCount()).isEqualTo(3);
        two.store(AT + 3, 0, 33);
        assertThat(one.load(AT + 3, 0)).isEqualTo(33);
        VmObject other = m.hold(m.allocate(ObjectType.PHYS, "other segment", 8));
        assertThat(other).isNotSameAs(object);
        assertThat(m.hold(m.allocate(ObjectType.PHYS, null, 8))).isNotSameAs(other);
    }

    @Test
    void itsMemoryIsFreeWhenNobodyMapsItAnyMore() {
        int free = m.pages.counts().free();
        DeviceMachine.User program = m.user("program");
        program.map(m.allocate(ObjectType.PHYS, "segment", 50), 0, AT, 50, true);
        assertThat(program.mlock(AT, 50)).isEqualTo(KernReturn.SUCCESS);
        assertThat(m.pages.counts().free()).isEqualTo(free - 50);
        assertThat(m.pages.counts().wired()).isEqualTo(50);
        assertThat(program.munlock(AT, 50)).isEqualTo(KernReturn.SUCCESS);
        program.unmap(AT, 50);
        assertThat(m.pages.counts().free()).isEqualTo(free);
        program.map(m.allocate(ObjectType.PHYS, "segment", 1), 0, AT, 1, true);
        assertThat(program.load(AT, 0)).as("another one of the same name").isZero();
    }

    @Test
    void aPrivateMappingCopies() {
        VmObject object = m.hold(m.allocate(ObjectType.PHYS, null, 4));
        DeviceMachine.User one = m.user("one");
        object.reference();
        one.map(object, 0, AT, 4, true);
        object.reference();
        one.map(object, 0, AT + 10, 4, false);
        one.store(AT + 1, 0, 11);
        one.store(AT + 11, 8, 12);
        assertThat(one.load(AT + 11, 0)).isEqualTo(11);
        assertThat(one.load(AT + 1, 8)).isZero();
    }

    @Test
    void itHasEveryPageOfTheAlignedStretch() {
        VmObject object = m.hold(m.allocate(ObjectType.PHYS, null, 3000));
        assertThat(hasPage(object, 0)).isEqualTo(PageRun.of(0, 1023));
        assertThat(hasPage(object, 1023)).isEqualTo(PageRun.of(1023, 0));
        assertThat(hasPage(object, 1030)).isEqualTo(PageRun.of(6, 1017));
        assertThat(hasPage(object, 3000)).isEqualTo(PageRun.NONE);
    }
}
