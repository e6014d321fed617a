// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;

/** What the operations on objects do to those of memory that never leaves. */
class ObjectTypesTest {
    private final DeviceMachine m = DeviceMachine.stepped(Fidelity.CORRECTED);

    @AfterEach
    void close() {
        m.close();
    }

    private VmObject populated(ObjectType type) {
        VmObject object = m.hold(m.allocate(type, m.handle(type), 8));
        object.lock().lock();
        assertThat(object.populate(1, 5)).isTrue();
        object.lock().unlock();
        return object;
    }

    private static void locked(VmObject object, Runnable action) {
        object.lock().lock();
        try {
            action.run();
        } finally {
            object.lock().unlock();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void populateMakesPagesResidentAndValid(ObjectType type) {
        VmObject object = populated(type);
        assertThat(object.pages().count()).isEqualTo(4);
        for (long pindex = 1; pindex < 5; pindex++) {
            Page page = m.page(object, pindex);
            assertThat(page.valid()).isEqualTo(Page.ALL);
            assertThat(page.busied()).isFalse();
            assertThat((page.flags() & PageFlags.FICTITIOUS) != 0).isEqualTo(type != ObjectType.PHYS);
            assertThat(page.managed()).isEqualTo(type == ObjectType.MGTDEVICE);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void theAttributeIsSetBeforeThePagesAreThere(ObjectType type) {
        VmObject object = m.hold(m.allocate(type, type == ObjectType.SG ? m.handle(type) : m.engine, 8));
        locked(object, () -> {
            assertThat(object.setMemattr(MemoryAttribute.UNCACHEABLE)).isEqualTo(KernReturn.SUCCESS);
            assertThat(object.populate(0, 1)).isTrue();
            assertThat(object.setMemattr(MemoryAttribute.WRITE_BACK)).isEqualTo(KernReturn.FAILURE);
        });
        assertThat(m.page(object, 0).memattr()).isEqualTo(MemoryAttribute.UNCACHEABLE);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG"})
    void pageRemoveLeavesFictitiousPagesWithoutContents(ObjectType type) {
        VmObject object = populated(type);
        Page page = m.page(object, 3);
        locked(object, () -> {
            object.pageRemove(2, 4, ObjectFlags.REMOVE_NOTMAPPED);
            assertThat(page.valid()).isZero();
            assertThat(page.owner()).isSameAs(object);
            assertThat(object.pages().count()).isEqualTo(4);
        });
        assertThat(m.page(object, 4).valid()).isEqualTo(Page.ALL);
        locked(object, () -> assertThat(object.populate(0, 8)).isTrue());
        assertThat(m.page(object, 3)).isSameAs(page);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(object.pages().count()).isEqualTo(8);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void terminateEndsPagesAndName(ObjectType type) {
        int free = m.pages.counts().free();
        VmObject object = populated(type);
        int frame = m.page(object, 2).frame();
        m.letGo(object);
        assertThat(object.type()).isEqualTo(ObjectType.DEAD);
        assertThat(object.handle()).isNull();
        assertThat(m.pages.counts().free()).isEqualTo(free);
        if (type != ObjectType.PHYS) {
            assertThat(m.pages.pageOfFrame(frame)).isNull();
        }
        m.check();
        VmObject next = populated(type);
        assertThat(next.refCount()).isEqualTo(1);
        assertThat(next.pages().count()).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void theyAreNeverMergedSplitOrExtended(ObjectType type) {
        VmObject object = populated(type);
        locked(object, () -> {
            object.collapse();
            assertThat(m.objects.split(object, 0, 4)).isSameAs(object);
        });
        assertThat(object.coalesce(0, PageSize.bytes(8), PageSize.bytes(4), false))
                .isFalse();
        object.madvise(0, 8, Advice.DONTNEED);
        object.madvise(0, 8, Advice.FREE);
        assertThat(object.sync(0, 8, true, false)).isTrue();
        locked(object, () -> {
            object.setWriteableDirty();
            assertThat(object.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
            assertThat(object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC)).isTrue();
        });
        assertThat(object.pages().count()).isEqualTo(4);
        assertThat(m.page(object, 2).valid()).isEqualTo(Page.ALL);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void aShadowStandsInFrontOfThemAndGoes(ObjectType type) {
        VmObject object = populated(type);
        object.reference();
        VmObject shadow = m.hold(m.objects.shadow(object, 2, 4));
        assertThat(shadow).isNotSameAs(object);
        assertThat(shadow.backing()).isSameAs(object);
        assertThat(object.shadowCount()).isEqualTo(1);
        locked(shadow, shadow::collapse);
        assertThat(shadow.backing()).isSameAs(object);
        m.letGo(shadow);
        assertThat(object.shadowCount()).isZero();
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(object.pages().count()).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVICE", "MGTDEVICE", "SG", "PHYS"})
    void nothingIsEverWritten(ObjectType type) throws InterruptedException {
        try (DeviceMachine halted = DeviceMachine.stepped(Fidelity.CORRECTED)) {
            VmObject object = halted.hold(halted.allocate(type, halted.handle(type), 2));
            locked(object, () -> assertThat(object.populate(0, 1)).isTrue());
            Page page = halted.page(object, 0);
            AtomicReference<Throwable> panic = new AtomicReference<>();
            Thread thread = new Thread(() -> {
                object.lock().lock();
                try {
                    halted.pagers
                            .pagers()
                            .putPages(object, new Page[] {page}, 1, PagerFlags.PUT_SYNC, new PagerResult[1]);
                } catch (KernelPanic expected) {
                    panic.set(expected);
                } finally {
                    object.lock().unlock();
                }
            });
            thread.start();
            thread.join();
            assertThat(panic.get()).hasMessageContaining("_pager_putpage called: page 0");
        }
    }
}
