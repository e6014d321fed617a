// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.object.VmObject;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@link penumbra.map.AddressSpace#move}; LTP's mremap cases. */
class MoveTest {
    private static final long TARGET = 1000;

    private static KernReturn move(User user, long from, long count, long to, long newCount) {
        return user.space().move(at(from), at(count), at(to), at(newCount));
    }

    private static User filled(Rig rig, int count) {
        User user = rig.user("a");
        user.mapPrivate(BASE, count);
        for (int i = 0; i < count; i++) {
            user.write(BASE + i, 10 + i);
        }
        return user;
    }

    @Test
    void keepsObjectOffsetAndContents() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 6);
            VmObject object = user.object(BASE);
            assertThat(move(user, BASE + 2, 3, TARGET, 3)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("256+2", "261+1", "1000+3");
            assertThat(user.object(TARGET)).isSameAs(object);
            assertThat(user.entry(TARGET).offset()).isEqualTo(2);
            for (int i = 0; i < 3; i++) {
                assertThat(user.read(TARGET + i)).isEqualTo(12 + i);
            }
            assertThat(user.touch(BASE + 2, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.space().size()).isEqualTo(at(6));
        }
    }

    @Test
    void extendsWithEmptyMemory() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 2);
            assertThat(move(user, BASE, 2, TARGET, 5)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.read(TARGET + 1)).isEqualTo(11);
            assertThat(user.read(TARGET + 4)).isZero();
            assertThat(rig.accounting.reserved()).isEqualTo(at(5));
            assertThat(move(user, TARGET, 5, TARGET, 8)).as("in place").isEqualTo(KernReturn.SUCCESS);
            user.write(TARGET + 7, 1);
        }
    }

    @Test
    void cutsTheRest() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 4);
            assertThat(move(user, BASE, 4, TARGET, 2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("1000+2");
            assertThat(move(user, TARGET, 2, TARGET, 1)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("1000+1");
            assertThat(user.read(TARGET)).isEqualTo(10);
            assertThat(rig.accounting.reserved()).isEqualTo(at(1));
        }
    }

    @Test
    void continuesAFile() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(8);
            user.mapFile(file, 1, BASE, 2, Prot.RW, true);
            user.writeByte(at(BASE), 100);
            assertThat(move(user, BASE, 2, TARGET, 5)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.readByte(at(TARGET))).isEqualTo(100);
            assertThat(user.readByte(at(TARGET + 1))).isEqualTo(3);
            assertThat(user.readByte(at(TARGET + 4))).isEqualTo(6);
            user.writeByte(at(TARGET + 4), 101);
            assertThat(rig.contents(file)[(int) at(5)]).as("still private").isEqualTo((byte) 6);
        }
    }

    @Test
    void keepsWiredPagesMapped() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 3);
            user.wire(BASE, 3);
            long faults = user.space().faults().total();
            assertThat(move(user, BASE, 3, TARGET, 3)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.mapped()).containsExactly("1000:w", "1001:w", "1002:w");
            user.write(TARGET + 1, 5);
            assertThat(user.space().faults().total()).isEqualTo(faults);
            rig.assertSound();
            user.unwire(TARGET, 3);
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    @Test
    void changesNothingWhenItRefuses() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 4);
            user.mapPrivate(BASE + 6, 2);
            user.mapPrivate(TARGET + 1, 1);
            assertThat(move(user, BASE, 4, TARGET, 4)).isEqualTo(KernReturn.NO_SPACE);
            assertThat(move(user, BASE, 4, BASE, 8)).isEqualTo(KernReturn.NO_SPACE);
            assertThat(move(user, BASE, 8, TARGET + 8, 8)).as("a hole").isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(move(user, BASE, 4, BASE + 2, 4)).as("overlap").isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(move(user, BASE, 4, TARGET + 8, 0)).isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(move(user, BASE, 4, 0x3ffff, 4)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.layout()).containsExactly("256+4", "262+2", "1001+1");
        }
    }

    @Test
    void movesWhatAForkSharesWithoutTouchingTheOther() {
        try (Rig rig = Rig.corrected()) {
            User user = filled(rig, 2);
            User child = user.fork("b");
            assertThat(move(user, BASE, 2, TARGET, 2)).isEqualTo(KernReturn.SUCCESS);
            user.write(TARGET, 77);
            assertThat(child.read(BASE)).isEqualTo(10);
            assertThat(user.read(TARGET + 1)).isEqualTo(11);
        }
    }
}
