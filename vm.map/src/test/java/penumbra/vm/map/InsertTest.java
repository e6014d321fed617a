// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.map.MapEntry;
import penumbra.map.MapFlags;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/**
 * Mapping and unmapping: {@code vm_map_insert}, {@code vm_map_simplify_entry}, {@code vm_map_fixed},
 * {@code vm_map_delete}.
 */
class InsertTest {
    @Test
    void growsThePreviousEntryAndItsObject() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.write(BASE, 1);
            user.mapPrivate(BASE + 4, 4);
            assertThat(user.layout()).containsExactly("256+8");
            assertThat(user.object(BASE).size()).isEqualTo(8);
            assertThat(user.object(BASE).charge()).isEqualTo(at(8));
        }
    }

    @Test
    void sharesThePreviousObjectWhereOnlyTheTermsDiffer() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.write(BASE, 1);
            assertThat(user.map(BASE + 4, 4, Prot.READ | Prot.WRITE | Prot.EXECUTE, 0))
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("256+4", "260+4");
            assertThat(user.object(BASE + 4)).isSameAs(user.object(BASE));
            MapEntry second = user.entry(BASE + 4);
            assertThat(second.offset()).isEqualTo(4);
            assertThat(second.nextRead()).isEqualTo(4);
            assertThat(second.cred()).as("the object was charged for both").isNull();
            assertThat(rig.accounting.reserved()).isEqualTo(at(8));
        }
    }

    @Test
    void doesNotGrowAWiredEntry() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.wire(BASE, 2);
            user.mapPrivate(BASE + 2, 2);
            assertThat(user.layout()).containsExactly("256+2", "258+2");
            user.unwire(BASE, 2);
        }
    }

    @Test
    void refusesWhatIsMappedOrOutOfBounds() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            long reserved = rig.accounting.reserved();
            assertThat(user.map(BASE + 3, 4, Prot.RW, 0)).isEqualTo(KernReturn.NO_SPACE);
            assertThat(user.map(BASE - 2, 3, Prot.RW, 0)).isEqualTo(KernReturn.NO_SPACE);
            assertThat(user.map(0, 1, Prot.RW, 0)).as("page zero").isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.map(0x3ffff, 2, Prot.RW, 0)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.map(BASE + 8, 0, Prot.RW, 0)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(rig.accounting.reserved()).isEqualTo(reserved);
        }
    }

    @Test
    void leavesTheReferenceWithTheCallerOnFailure() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            VmObject object = rig.hold(rig.objectOf(rig.file(4)));
            KernReturn result = user.space().insert(object, 0, at(BASE), at(BASE + 4), Prot.READ, Prot.ALL, 0);
            assertThat(result).isEqualTo(KernReturn.NO_SPACE);
            assertThat(object.refCount()).isEqualTo(1);
        }
    }

    @Test
    void mergesWithBothNeighboursOfOneObject() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(12);
            user.mapFile(file, 0, BASE, 4, Prot.READ, false);
            user.mapFile(file, 8, BASE + 8, 4, Prot.READ, false);
            assertThat(user.layout()).containsExactly("256+4", "264+4");
            user.mapFile(file, 4, BASE + 4, 4, Prot.READ, false);
            assertThat(user.layout()).containsExactly("256+12");
            assertThat(user.object(BASE).refCount()).isEqualTo(1);
        }
    }

    @Test
    void doesNotMergeWhereOffsetsDoNotFollow() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(12);
            user.mapFile(file, 0, BASE, 4, Prot.READ, false);
            user.mapFile(file, 5, BASE + 4, 4, Prot.READ, false);
            assertThat(user.layout()).containsExactly("256+4", "260+4");
        }
    }

    @Test
    void fixedReplacesWhatWasThere() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE + 3, 5);
            KernReturn result =
                    user.space().fixed(null, 0, at(BASE + 2), at(4), Prot.READ, Prot.READ, MapFlags.INHERIT_SHARE);
            assertThat(result).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("256+2", "258+4", "262+2");
            assertThat(user.entry(BASE + 2).inheritance()).isEqualTo(Inheritance.SHARE);
            assertThat(user.read(BASE + 3)).isZero();
        }
    }

    @Test
    void unmappingTheTailShrinksObjectAndCharge() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            for (int i = 0; i < 8; i++) {
                user.write(BASE + i, i);
            }
            VmObject object = user.object(BASE);
            user.unmap(BASE + 6, 2);
            assertThat(object.size()).isEqualTo(6);
            assertThat(object.charge()).isEqualTo(at(6));
            assertThat(object.pages().count()).isEqualTo(6);
            assertThat(rig.accounting.reserved()).isEqualTo(at(6));
        }
    }

    @Test
    void unmappingTheMiddleFreesItsPages() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            for (int i = 0; i < 8; i++) {
                user.write(BASE + i, i);
            }
            VmObject object = user.object(BASE);
            rig.evict(object, 3);
            user.unmap(BASE + 2, 3);
            assertThat(object.pages().count()).isEqualTo(5);
            assertThat(rig.pagers.swap().pages(object)).as("swapped pages").isZero();
            assertThat(object.size()).isEqualTo(8);
            assertThat(user.layout()).containsExactly("256+2", "261+3");
            assertThat(user.touch(BASE + 3, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
        }
    }

    @Test
    void aSharedFilesPagesStayWhenItIsUnmapped() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            VmObject object = rig.hold(rig.objectOf(rig.file(4)));
            object.reference();
            user.space().insert(object, 0, at(BASE), at(BASE + 4), Prot.RW, Prot.ALL, MapFlags.INHERIT_SHARE);
            user.write(BASE, 9);
            user.unmap(BASE, 4);
            assertThat(object.pages().count()).isEqualTo(4);
            assertThat(rig.resident(object, 0).dirty()).isEqualTo(0xff);
            assertThat(object.refCount()).isEqualTo(1);
        }
    }

    @Test
    void aSecondMappingEndsOneMapping() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.write(BASE, 1);
            VmObject object = user.object(BASE);
            assertThat(object.has(ObjectFlags.ONEMAPPING)).isTrue();
            object.reference();
            KernReturn again = user.space()
                    .insert(object, 0, at(BASE + 16), at(BASE + 20), Prot.READ, Prot.ALL, MapFlags.INHERIT_SHARE);
            assertThat(again).isEqualTo(KernReturn.SUCCESS);
            assertThat(object.has(ObjectFlags.ONEMAPPING)).isFalse();
        }
    }

    @Test
    void countsWritersOfAFile() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(8);
            VmObject object = rig.hold(rig.objectOf(file));
            object.reference();
            user.space()
                    .insert(
                            object,
                            0,
                            at(BASE),
                            at(BASE + 8),
                            Prot.RW,
                            Prot.ALL,
                            MapFlags.INHERIT_SHARE | MapFlags.VN_WRITECOUNT);
            assertThat(file.writeMappings()).isEqualTo(at(8));
            User child = user.fork("b");
            assertThat(file.writeMappings()).isEqualTo(at(16));
            child.exit();
            user.unmap(BASE + 2, 3);
            assertThat(file.writeMappings()).isEqualTo(at(5));
            assertThat(file.writeCount()).isEqualTo(1);
            user.space().inherit(at(BASE), at(BASE + 8), Inheritance.COPY);
            User copy = user.fork("c");
            assertThat(file.writeMappings()).as("a private copy writes no file").isZero();
            assertThat(file.writeCount()).isZero();
            copy.exit();
        }
    }

    @Test
    void prefaultMapsWhatIsResident() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(8);
            rig.files.before = 0;
            rig.files.after = 0;
            User first = rig.user("a");
            first.mapFile(file, 0, BASE, 8, Prot.READ, false);
            first.read(BASE + 1);
            first.read(BASE + 6);
            User second = rig.user("b");
            second.space()
                    .insert(
                            rig.objectOf(file),
                            1,
                            at(BASE),
                            at(BASE + 7),
                            Prot.READ,
                            Prot.ALL,
                            MapFlags.INHERIT_SHARE | MapFlags.PREFAULT_PARTIAL);
            assertThat(second.mapped()).containsExactly("256", "261");
            assertThat(second.space().faults().total()).isZero();
        }
    }

    @Test
    void findSpaceGivesTheFirstFit() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.mapPrivate(BASE + 6, 4);
            assertThat(user.space().findSpace(at(BASE), 1)).isEqualTo(at(BASE + 4));
            assertThat(user.space().findSpace(at(BASE), at(2))).isEqualTo(at(BASE + 4));
            assertThat(user.space().findSpace(at(BASE), at(2) + 1)).isEqualTo(at(BASE + 10));
            assertThat(user.space().findSpace(0, PageSize.BYTES)).isEqualTo(PageSize.BYTES);
        }
    }

    @Test
    void defect22AHoleInAnObjectIsUsedAgain() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE + 3, 7);
            VmObject object = user.object(BASE);
            user.unmap(BASE + 2, 2);
            assertThat(rig.isResident(object, 3)).as("goes with its mapping").isFalse();
            user.mapPrivate(BASE + 2, 2);
            assertThat(user.layout()).containsExactly("256+8");
            assertThat(user.object(BASE + 2)).isSameAs(object);
            assertThat(user.read(BASE + 3)).isZero();
            assertThat(object.has(ObjectFlags.ONEMAPPING)).isTrue();
        }
    }

    @Test
    void defect22AHoleThatAChildMayStillSeeIsNotUsedAgain() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapShared(BASE, 8);
            user.write(BASE + 3, 7);
            VmObject object = user.object(BASE);
            User child = user.fork("b");
            assertThat(object.has(ObjectFlags.ONEMAPPING)).isFalse();
            user.unmap(BASE + 2, 2);
            user.mapShared(BASE + 2, 2);
            assertThat(user.object(BASE + 1)).isSameAs(object);
            assertThat(user.read(BASE + 3)).isZero();
            assertThat(child.read(BASE + 3)).isEqualTo(7);
        }
    }

    @Test
    void defect22AHoleWhosePagesWereMovedIsNotUsedAgain() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE + 3, 7);
            assertThat(user.space().move(at(BASE + 2), at(2), at(BASE + 100), at(2)))
                    .isEqualTo(KernReturn.SUCCESS);
            user.mapPrivate(BASE + 2, 2);
            user.write(BASE + 3, 8);
            assertThat(user.read(BASE + 101)).isEqualTo(7);
            assertThat(user.read(BASE + 3)).isEqualTo(8);
        }
    }
}
