// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.USER;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.process.Process;
import penumbra.vm.map.Rig.User;

class ProcessTest {
    @Test
    void numbersFollowTheOrderOfCreation() {
        try (Rig rig = Rig.corrected()) {
            Process first = rig.table.create("a", USER);
            Process second = rig.table.create("b", USER);
            rig.table.exit(first);
            Process third = rig.table.fork(second, "c");
            assertThat(List.of(first.pid(), second.pid(), third.pid())).containsExactly(1, 2, 3);
            assertThat(rig.table.all()).extracting(Process::name).containsExactly("b", "c");
            assertThat(third.cred()).isEqualTo(USER);
            assertThat(second.isProtected()).isFalse();
            second.setProtected(true);
            assertThat(second.isProtected()).isTrue();
        }
    }

    @Test
    void aVforkedChildSharesTheSpaceUntilItExecs() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            User child = new User(rig, rig.cpu(0), rig.table.vfork(parent.process, "b"));
            child.write(BASE, 5);
            assertThat(parent.read(BASE)).isEqualTo(5);
            assertThat(rig.table.exec(child.process)).isNotSameAs(parent.space());
            assertThat(child.layout()).isEmpty();
            assertThat(child.touch(BASE, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
            child.exit();
            assertThat(parent.read(BASE)).isEqualTo(5);
        }
    }

    @Test
    void theSpaceLastsAsLongAsItsLastProcess() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 5);
            User child = new User(rig, rig.cpu(0), rig.table.vfork(parent.process, "b"));
            parent.exit();
            assertThat(child.read(BASE)).isEqualTo(5);
            assertThat(rig.pages.counts().active()).isEqualTo(1);
            child.exit();
            assertThat(rig.pages.counts().active()).isZero();
        }
    }

    @Test
    void exitGivesEverythingBack() {
        try (Rig rig = Rig.corrected()) {
            int free = rig.pages.counts().free();
            User user = rig.user("a");
            user.mapPrivate(BASE, 20);
            for (int i = 0; i < 20; i++) {
                user.write(BASE + i, i);
            }
            rig.evict(user.object(BASE), 3);
            user.mapFile(rig.file(4), 0, BASE + 32, 4, Prot.RW, false);
            user.wire(BASE, 4);
            user.exit();
            user.exit();
            assertThat(rig.pages.counts().available()).isGreaterThanOrEqualTo(free - 4);
            assertThat(rig.pagers.swap().available())
                    .isEqualTo(rig.pagers.swap().total() - 2);
            assertThat(rig.accounting.reserved()).isZero();
            List<Object> left = new ArrayList<>();
            rig.objects.forEach(object -> {
                if (object.type().anonymous()) {
                    left.add(object);
                }
            });
            assertThat(left).isEmpty();
        }
    }

    @Test
    void aCpuThatRunsNobodyHasNoMemory() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 1);
            user.write(BASE, 1);
            assertThat(rig.table.running(rig.cpu(0))).isSameAs(user.process);
            user.exit();
            assertThat(rig.table.running(rig.cpu(0))).isNull();
            assertThat(rig.cpu(0).active()).isSameAs(rig.pmaps.kernel());
        }
    }

    @Test
    void faultsAreCountedForAllThatEverLived() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 3);
            user.write(BASE, 1);
            User child = user.fork("b");
            child.write(BASE, 2);
            child.read(BASE + 1);
            child.exit();
            assertThat(rig.table.faults().zeroFill()).isEqualTo(2);
            assertThat(rig.table.faults().copyOnWrite()).isEqualTo(1);
            assertThat(rig.table.faults().total()).isEqualTo(3);
            List<String> names = new ArrayList<>();
            rig.table.forEach((name, value) -> names.add(name + "=" + value));
            assertThat(names).contains("vm.stats.vm.v_vm_faults=3", "vm.stats.vm.v_cow_faults=1");
        }
    }

    @Test
    void aKilledProcessFaultsNoMore() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 1);
            assertThat(user.process.killed()).isFalse();
            assertThat(user.process.killReason()).isEmpty();
            rig.table.kill(user.process, "told to");
            assertThat(user.read(BASE))
                    .as("what is mapped stays so until it ends")
                    .isEqualTo(1);
            assertThat(user.touch(BASE + 1, Prot.READ)).isEqualTo(KernReturn.NOT_RECEIVER);
            assertThat(user.process.killReason()).isEqualTo("told to");
        }
    }
}
