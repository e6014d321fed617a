// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.USER;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.process.Process;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** What is reserved for private memory, by whom, and where it is written down. */
class ChargeTest {
    @Test
    void aReadOnlyMappingCostsNothingUntilItBecomesWriteable() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.map(BASE, 4, Prot.READ, 0);
            assertThat(rig.accounting.reserved()).isZero();
            user.protect(BASE + 1, 2, Prot.RW);
            assertThat(rig.accounting.reserved()).as("the whole object").isEqualTo(at(4));
            user.protect(BASE + 1, 2, Prot.READ);
            user.protect(BASE, 4, Prot.RW);
            assertThat(rig.accounting.reserved()).as("paid already").isEqualTo(at(4));
        }
    }

    @Test
    void aPrivateFileMappingIsChargedByItsEntryAndThenByItsShadow() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(4);
            user.mapFile(file, 0, BASE, 4, Prot.READ, true);
            assertThat(rig.accounting.reserved()).isZero();
            user.protect(BASE, 4, Prot.RW);
            assertThat(user.entry(BASE).cred()).isEqualTo(USER);
            user.write(BASE, 1);
            assertThat(user.entry(BASE).cred()).isNull();
            assertThat(user.object(BASE).charge()).isEqualTo(at(4));
            assertThat(rig.accounting.reserved()).isEqualTo(at(4));
        }
    }

    @Test
    void mappingIsRefusedBeyondTheLimit() {
        try (Rig rig = Rig.corrected()) {
            rig.accounting.setOvercommit(SwapAccounting.LIMIT_USER);
            rig.accounting.setUserLimit(USER.uid(), at(10));
            User user = rig.user("a");
            assertThat(user.map(BASE, 11, Prot.RW, 0)).isEqualTo(KernReturn.RESOURCE_SHORTAGE);
            assertThat(user.map(BASE, 8, Prot.RW, 0)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.map(BASE + 16, 4, Prot.RW, 0)).isEqualTo(KernReturn.RESOURCE_SHORTAGE);
            assertThat(user.map(BASE + 16, 4, Prot.READ, 0)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.protect(BASE + 16, 4, Prot.RW)).isEqualTo(KernReturn.RESOURCE_SHORTAGE);
            assertThat(user.entry(BASE + 16).prot()).isEqualTo(Prot.READ);
            assertThat(user.map(BASE + 32, 4, Prot.RW, MapFlags.ACC_NO_CHARGE)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.accounting.reserved()).isEqualTo(at(8));
        }
    }

    @Test
    void aForkThatCannotBePaidLeavesNothingBehind() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE, 7);
            rig.accounting.setOvercommit(SwapAccounting.LIMIT_USER);
            rig.accounting.setUserLimit(USER.uid(), at(20));
            assertThat(rig.table.fork(user.process, "b")).isNull();
            assertThat(rig.table.all()).hasSize(1);
            // What the fork made of the parent's own entry has been paid for by force and is given back with the entry.
            assertThat(rig.accounting.reserved()).isEqualTo(at(16));
            user.write(BASE, 8);
            assertThat(user.read(BASE)).isEqualTo(8);
            assertThat(rig.accounting.reserved()).isEqualTo(at(8));
        }
    }

    @Test
    void forkReportsWhatItReserved() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.write(BASE, 1);
            user.mapPrivate(BASE + 16, 2);
            User child = user.fork("b");
            // Both sides of the touched mapping may need a shadow; the untouched one is the child's alone.
            assertThat(rig.table.forkCharge(child.process)).isEqualTo(at(4 + 4 + 2));
            assertThat(rig.accounting.reserved()).isEqualTo(at(6 + 10));
            child.exit();
            assertThat(rig.accounting.reserved()).isEqualTo(at(6 + 4));
        }
    }

    @Test
    void everythingIsGivenBackInTheEnd() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE, 1);
            User child = user.fork("b");
            child.write(BASE + 1, 2);
            user.write(BASE + 1, 3);
            User grandchild = child.fork("c");
            child.exit();
            grandchild.write(BASE + 2, 4);
            user.exit();
            grandchild.exit();
            assertThat(rig.accounting.reserved()).isZero();
        }
    }

    @Test
    void aUsersLimitBindsAllThatReserves() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(4);
            rig.accounting.setOvercommit(SwapAccounting.LIMIT_USER);
            rig.accounting.setUserLimit(USER.uid(), at(40));
            user.mapPrivate(BASE, 4);
            user.write(BASE, 1);
            assertThat(user.space().stack(at(1024), at(64), Prot.RW, Prot.ALL, MapFlags.STACK_GROWS_UP))
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(user.touch(1024 + 40, Prot.WRITE)).as("a growing stack").isEqualTo(KernReturn.FAILURE);
            user.mapFile(file, 0, 2048, 4, Prot.READ, true);
            assertThat(user.protect(2048, 4, Prot.RW))
                    .as("the last that is left")
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(user.touch(2048, Prot.WRITE)).as("paid for already").isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.table.fork(user.process, "b")).isNull();
            Process other = rig.table.create("c", new Cred(1002));
            assertThat(other.space().insert(null, 0, at(BASE), at(BASE + 100), Prot.RW, Prot.ALL, 0))
                    .as("another user")
                    .isEqualTo(KernReturn.SUCCESS);
            Process root = rig.table.create("d", Cred.ROOT);
            rig.accounting.setUserLimit(Cred.ROOT.uid(), 0);
            assertThat(root.space().insert(null, 0, at(BASE), at(BASE + 100), Prot.RW, Prot.ALL, 0))
                    .as("the superuser")
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.accounting.reserved(1002)).isEqualTo(at(100));
        }
    }

    @Test
    void defect30MovingChargesAboutNeitherLosesNorDoublesThem() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            user.write(BASE, 1);
            user.unmap(BASE + 2, 2);
            assertThat(rig.accounting.reserved()).as("a hole stays paid for").isEqualTo(at(8));
            user.mapPrivate(BASE + 2, 2);
            assertThat(rig.accounting.reserved())
                    .as("and is not paid for again")
                    .isEqualTo(at(8));
            user.unmap(BASE + 6, 2);
            assertThat(rig.accounting.reserved()).as("a tail is given back").isEqualTo(at(6));
            user.mapPrivate(BASE + 6, 4);
            assertThat(rig.accounting.reserved()).isEqualTo(at(10));
            assertThat(user.layout()).containsExactly("256+10");
            user.protect(BASE + 3, 2, Prot.READ);
            User child = user.fork("b");
            child.write(BASE, 2);
            user.write(BASE + 9, 3);
            child.exit();
            user.write(BASE + 4 + 2, 4);
            rig.assertSound();
            user.unmap(BASE, 10);
            assertThat(rig.accounting.reserved()).isZero();
        }
    }
}
