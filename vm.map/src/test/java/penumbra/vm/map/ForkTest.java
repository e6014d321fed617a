// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@code vmspace_fork} and {@code vm_map_copy_entry}; NetBSD's t_minherit, t_fork and t_vfork. */
class ForkTest {
    @Test
    void aCopyIsSeparateFromTheFirstWriteOn() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 3);
            parent.write(BASE, 1);
            parent.write(BASE + 1, 2);
            User child = parent.fork("b");
            child.write(BASE, 10);
            parent.write(BASE + 1, 20);
            assertThat(child.read(BASE)).isEqualTo(10);
            assertThat(child.read(BASE + 1)).isEqualTo(2);
            assertThat(parent.read(BASE)).isEqualTo(1);
            assertThat(parent.read(BASE + 1)).isEqualTo(20);
            parent.write(BASE + 2, 3);
            assertThat(child.read(BASE + 2)).as("untouched at the fork").isZero();
        }
    }

    @Test
    void sharedMemoryIsTheSameInBoth() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapShared(BASE, 2);
            User child = parent.fork("b");
            child.write(BASE, 7);
            parent.write(BASE + 1, 8);
            assertThat(parent.read(BASE)).isEqualTo(7);
            assertThat(child.read(BASE + 1)).isEqualTo(8);
            assertThat(parent.object(BASE)).isSameAs(child.object(BASE));
            assertThat(parent.object(BASE).has(ObjectFlags.ONEMAPPING)).isFalse();
        }
    }

    @Test
    void whatIsNotInheritedIsNotThere() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 4);
            parent.write(BASE + 1, 5);
            parent.space().inherit(at(BASE + 1), at(BASE + 2), Inheritance.NONE);
            User child = parent.fork("b");
            assertThat(child.layout()).containsExactly("256+1", "258+2");
            assertThat(child.touch(BASE + 1, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(parent.read(BASE + 1)).isEqualTo(5);
        }
    }

    @Test
    void aPrivateMappingCanBecomeSharedAndBack() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 1);
            parent.space().inherit(at(BASE), at(BASE + 2), Inheritance.SHARE);
            User sharer = parent.fork("b");
            sharer.write(BASE, 2);
            assertThat(parent.read(BASE)).isEqualTo(2);
            parent.space().inherit(at(BASE), at(BASE + 2), Inheritance.COPY);
            User copier = parent.fork("c");
            copier.write(BASE, 3);
            assertThat(parent.read(BASE)).isEqualTo(2);
            sharer.write(BASE, 4);
            assertThat(copier.read(BASE)).isEqualTo(3);
        }
    }

    @Test
    void sharingAMappingThatAwaitsItsCopyMakesTheCopyFirst() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 1);
            User child = parent.fork("b");
            assertThat(child.entry(BASE).needsCopy()).isTrue();
            child.space().inherit(at(BASE), at(BASE + 2), Inheritance.SHARE);
            User grandchild = child.fork("c");
            assertThat(child.entry(BASE).needsCopy()).isFalse();
            assertThat(grandchild.object(BASE)).isSameAs(child.object(BASE));
            grandchild.write(BASE, 2);
            assertThat(child.read(BASE)).isEqualTo(2);
            assertThat(parent.read(BASE)).isEqualTo(1);
        }
    }

    @Test
    void onlyThePartThatIsMappedIsSplitOff() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 8);
            for (int i = 0; i < 8; i++) {
                parent.write(BASE + i, i);
            }
            VmObject whole = parent.object(BASE);
            parent.space().inherit(at(BASE + 4), at(BASE + 8), Inheritance.NONE);
            User child = parent.fork("b");
            assertThat(parent.object(BASE)).isNotSameAs(whole);
            assertThat(child.object(BASE).size()).isEqualTo(4);
            assertThat(parent.object(BASE + 4)).isSameAs(whole);
            for (int i = 0; i < 8; i++) {
                assertThat(parent.read(BASE + i)).isEqualTo(i);
            }
        }
    }

    @Test
    void wiredPagesAreCopiedAtOnce() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 1);
            parent.wire(BASE, 2);
            User child = parent.fork("b");
            assertThat(child.entry(BASE).needsCopy()).isFalse();
            assertThat(child.entry(BASE).wiredCount()).isZero();
            assertThat(child.mapped()).containsExactly("256:w", "257:w");
            assertThat(rig.table.forkCharge(child.process)).isEqualTo(at(2));
            long faults = parent.space().faults().total();
            parent.write(BASE, 5);
            assertThat(parent.space().faults().total())
                    .as("wired memory does not fault")
                    .isEqualTo(faults);
            assertThat(child.read(BASE)).isEqualTo(1);
            parent.unwire(BASE, 2);
        }
    }

    @Test
    void aPrivateFileMappingIsInheritedWithItsChanges() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            User parent = rig.user("a");
            parent.mapFile(file, 0, BASE, 4, Prot.RW, true);
            parent.writeByte(at(BASE + 1), 99);
            User child = parent.fork("b");
            assertThat(child.readByte(at(BASE + 1))).isEqualTo(99);
            assertThat(child.readByte(at(BASE + 2))).isEqualTo(3);
            child.writeByte(at(BASE + 2), 98);
            assertThat(parent.readByte(at(BASE + 2))).isEqualTo(3);
            assertThat(rig.contents(file)[0x2000]).isEqualTo((byte) 3);
        }
    }

    @Test
    void swappedPagesAreInherited() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 4);
            for (int i = 0; i < 4; i++) {
                parent.write(BASE + i, 100 + i);
                rig.evict(parent.object(BASE), i);
            }
            User child = parent.fork("b");
            child.write(BASE + 1, 7);
            for (int i = 0; i < 4; i++) {
                assertThat(parent.read(BASE + i)).isEqualTo(100 + i);
            }
            parent.exit();
            assertThat(child.read(BASE + 3)).isEqualTo(103);
            assertThat(child.read(BASE + 1)).isEqualTo(7);
        }
    }

    /**
     * When its object swallows the one behind it, a copy that no fault has finished is all that is left of the page.
     */
    @Test
    void aCopyWhoseFaultCameToNothingIsNotLost() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("parent");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 7);
            VmObject behind = parent.object(BASE);
            User child = parent.fork("child");
            parent.write(BASE + 1, 1);
            rig.evict(behind, 0);
            rig.duringSwapRead = () -> parent.protect(BASE, 2, Prot.READ);
            assertThat(parent.touch(BASE, Prot.WRITE)).isEqualTo(KernReturn.PROTECTION_FAILURE);

            VmObject front = parent.object(BASE);
            assertThat(front.backing()).isSameAs(behind);
            child.exit();
            assertThat(front.backing()).isNull();
            rig.duringSwapRead = () -> {};
            rig.evict(front, 0);
            assertThat(parent.read(BASE)).isEqualTo(7);
        }
    }

    @Test
    void chainsDoNotGrowWithGenerations() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 0);
            for (int generation = 1; generation <= 50; generation++) {
                User child = user.fork("generation " + generation);
                child.write(BASE, generation);
                user.exit();
                user = child;
            }
            int length = 0;
            for (VmObject object = user.object(BASE); object != null; object = object.backing()) {
                length++;
            }
            assertThat(length).isLessThanOrEqualTo(2);
            assertThat(user.read(BASE)).isEqualTo(50);
        }
    }
}
