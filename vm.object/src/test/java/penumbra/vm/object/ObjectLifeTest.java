// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.vnode.Vnode;

/** Objects by themselves: vm_object_init, allocate, reference, the pip family, flags, attributes, type-stable reuse. */
class ObjectLifeTest {
    private final Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    @ParameterizedTest
    @CsvSource({
        "DEFAULT, 0x2000",
        "SWAP, 0x2000",
        "VNODE, 0",
        "DEVICE, 3",
        "SG, 3",
        "MGTDEVICE, 1",
        "PHYS, 2",
    })
    void allocateGivesEachTypeItsFlags(ObjectType type, String flags) {
        MemoryObject object = rig.object(type, 7);

        assertThat(object.type()).isEqualTo(type);
        assertThat(object.flags()).isEqualTo(Integer.decode(flags));
        assertThat(object.size()).isEqualTo(7);
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(object.generation()).isEqualTo(1);
        assertThat(object.shadowCount()).isZero();
        assertThat(object.backing()).isNull();
        assertThat(object.charge()).isZero();
        assertThat(object.cred()).isNull();
        assertThat(object.handle()).isNull();
        assertThat(object.memattr()).isZero();
    }

    @Test
    void allocateRefusesToMakeDeadObjects() {
        rig.assertThrown(() -> rig.object(ObjectType.DEAD, 1)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void initMakesTheKernelsObjects() {
        assertThat(rig.core.kernelObject().type()).isEqualTo(ObjectType.PHYS);
        assertThat(rig.core.kernelObject().colored()).isTrue();
        assertThat(rig.core.kernelObject().size()).isEqualTo((1L << 29) - 1);
        assertThat(rig.core.kmemObject().unmanaged()).isTrue();
        assertThat(rig.core.find(0)).isSameAs(rig.core.kernelObject());
        assertThat(rig.core.find(-1)).isSameAs(rig.core.kmemObject());
    }

    @Test
    void objectsAreNumberedAndListedInOrderOfAllocation() {
        MemoryObject first = rig.anonymous(1);
        MemoryObject second = rig.anonymous(1);
        MemoryObject third = rig.anonymous(1);
        second.deallocate();

        List<Long> ids = new ArrayList<>();
        rig.core.forEach(object -> ids.add(object.id()));

        assertThat(ids).containsExactly(0L, -1L, 1L, 3L);
        assertThat(rig.core.find(1)).isSameAs(first);
        assertThat(rig.core.find(2)).isNull();
        assertThat(rig.core.find(3)).isSameAs(third);
    }

    @Test
    void anObjectThatIsGoneLivesAgainAsAnother() {
        MemoryObject gone = rig.charged(4);
        rig.fill(gone, 1, 11);
        MemoryObject shadow = rig.shadowOf(gone, 1, 2);
        shadow.deallocate();
        gone.deallocate();

        MemoryObject again = rig.anonymous(9);

        assertThat(again).isSameAs(gone);
        assertThat(again.id()).isEqualTo(3);
        assertThat(again.type()).isEqualTo(ObjectType.DEFAULT);
        assertThat(again.flags()).isEqualTo(ObjectFlags.ONEMAPPING);
        assertThat(again.size()).isEqualTo(9);
        assertThat(again.pages().count()).isZero();
        assertThat(rig.anonymous(1)).isSameAs(shadow);
        assertThat(shadow.backingOffset()).isZero();
        assertThat(again.cred()).isNull();
    }

    @Test
    void anObjectThatIsNotSpentCannotGo() {
        MemoryObject paging = rig.anonymous(4);
        rig.locked(paging, () -> paging.pipAdd(1));

        rig.assertThrown(() -> rig.core.table().retire(paging))
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("paging in progress 1");

        MemoryObject resident = rig.anonymous(4);
        rig.fill(resident, 0, 1);
        rig.assertThrown(() -> rig.core.table().retire(resident)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void referenceOfAFileObjectUsesTheFile() {
        Vnode file = rig.file(3);
        MemoryObject object = rig.fileObject(file);
        int uses = file.useCount();

        object.reference();
        rig.locked(object, object::referenceLocked);

        assertThat(object.refCount()).isEqualTo(3);
        assertThat(file.useCount()).isEqualTo(uses + 2);
    }

    @Test
    void referenceOfMemoryCountsOnly() {
        MemoryObject object = rig.anonymous(1);

        object.reference();

        assertThat(object.refCount()).isEqualTo(2);
    }

    @Test
    void pipCountsAndClearsTheWaiterMark() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, () -> {
            object.pipAdd(3);
            object.pipSubtract(1);
            object.setFlag(ObjectFlags.PIPWNT);
            object.pipWakeup(1);
        });
        assertThat(object.pagingInProgress()).isEqualTo(1);
        assertThat(object.has(ObjectFlags.PIPWNT)).isTrue();

        rig.locked(object, () -> object.pipWakeup(1));

        assertThat(object.pagingInProgress()).isZero();
        assertThat(object.has(ObjectFlags.PIPWNT)).isFalse();
        rig.locked(object, () -> object.pipWait("never sleeps"));
    }

    @Test
    void pipNeverFallsBelowZero() {
        MemoryObject object = rig.anonymous(1);

        rig.assertThrown(() -> rig.locked(object, () -> object.pipWakeup(1))).isInstanceOf(KernelPanic.class);
    }

    @Test
    void pipWaitSleepsWhileSomethingIsInProgress() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, () -> object.pipAdd(1));

        rig.assertThrown(() -> rig.locked(object, () -> object.pipWait("objtrm")))
                .isInstanceOf(WouldBlock.class)
                .hasMessageContaining("objtrm");
    }

    @Test
    void stateChangesWantTheLock() {
        MemoryObject object = rig.anonymous(1);

        rig.assertThrown(() -> object.clearFlag(ObjectFlags.ONEMAPPING)).isInstanceOf(KernelPanic.class);
        rig.assertThrown(() -> object.pipAdd(1)).isInstanceOf(KernelPanic.class);
        rig.assertThrown(() -> object.setSize(2)).isInstanceOf(KernelPanic.class);
        rig.assertThrown(() -> object.setMemattr(1)).isInstanceOf(KernelPanic.class);
        rig.assertThrown(object::referenceLocked).isInstanceOf(KernelPanic.class);
        rig.assertThrown(object::collapse).isInstanceOf(KernelPanic.class);
    }

    @ParameterizedTest
    @EnumSource(
            value = ObjectType.class,
            names = {"DEAD"},
            mode = EnumSource.Mode.EXCLUDE)
    void setMemattrWorksUntilThePagesAreThere(ObjectType type) {
        MemoryObject object = rig.object(type, 4);

        rig.locked(object, () -> {
            assertThat(object.setMemattr(2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(object.memattr()).isEqualTo(2);
        });
    }

    @Test
    void setMemattrFailsWithPagesAndOnTheDead() {
        MemoryObject object = rig.anonymous(4);
        rig.fill(object, 0, 1);

        rig.locked(object, () -> {
            assertThat(object.setMemattr(2)).isEqualTo(KernReturn.FAILURE);
            object.setType(ObjectType.DEAD);
            assertThat(object.setMemattr(2)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        });
        assertThat(object.memattr()).isZero();
    }

    @Test
    void setWriteableDirtyConcernsFilesOnly() {
        MemoryObject memory = rig.anonymous(1);
        MemoryObject file = rig.fileObject(rig.file(1));

        rig.locked(memory, memory::setWriteableDirty);
        rig.locked(file, () -> {
            file.setWriteableDirty();
            file.setWriteableDirty();
        });

        assertThat(memory.generation()).isEqualTo(1);
        assertThat(memory.has(ObjectFlags.MIGHTBEDIRTY)).isFalse();
        assertThat(file.generation()).isEqualTo(3);
        assertThat(file.has(ObjectFlags.MIGHTBEDIRTY)).isTrue();
    }

    @Test
    void aColorIsChosenOnce() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, () -> {
            object.setColor(0x1234);
            object.setColor(7);
        });

        assertThat(object.color()).isEqualTo(0x234);
        assertThat(object.colored()).isTrue();
    }

    @Test
    void reservationsStayInsideFiles() {
        MemoryObject file = rig.fileObject(rig.file(2));
        VmObject behind = rig.shadowOf(file, 0, 2);
        VmObject memory = rig.anonymous(2);

        assertThat(file.mayReserveBeyondEnd()).isFalse();
        assertThat(behind.mayReserveBeyondEnd()).isFalse();
        assertThat(memory.mayReserveBeyondEnd()).isTrue();
    }

    @Test
    void onlyWhatThePagerHasCanBeBroughtBack() {
        MemoryObject memory = rig.anonymous(4);
        rig.fill(memory, 0, 10);
        rig.fill(memory, 1, 11);
        assertThat(hasCopy(memory, 0)).isFalse();

        rig.pageOut(memory, 0, 1);

        assertThat(hasCopy(memory, 0)).isTrue();
        assertThat(hasCopy(memory, 1)).isFalse();
        assertThat(hasCopy(rig.fileObject(rig.file(2)), 0)).isTrue();
    }

    private boolean hasCopy(MemoryObject object, long index) {
        object.lock().lock();
        boolean has = object.hasBackingCopy(index);
        object.lock().unlock();
        return has;
    }
}
