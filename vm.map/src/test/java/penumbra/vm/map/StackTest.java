// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.process.Errno;
import penumbra.process.Limit;
import penumbra.process.MemoryCalls;
import penumbra.vm.map.Rig.User;

/** {@code vm_map_stack} and {@code vm_map_growstack}; LTP's mmap18. A step is 32 pages. */
class StackTest {
    private static final long LOW = 1024;

    private static KernReturn stack(User user, long pages, int direction) {
        return user.space().stack(at(LOW), at(pages), Prot.RW, Prot.ALL, direction);
    }

    @Test
    void growsDownByStepsUntilItIsAsLargeAsItMayBe() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            assertThat(stack(user, 100, MapFlags.STACK_GROWS_DOWN)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("1092+32");
            assertThat(user.entry(1100).stackGrowth()).isEqualTo(at(68));
            user.write(1091, 1);
            assertThat(user.layout()).containsExactly("1060+32", "1092+32");
            assertThat(user.entry(1060).stackGrowth()).isEqualTo(at(36));
            assertThat(user.entry(1092).stackGrowth())
                    .as("not the end any more")
                    .isEqualTo(-1);
            user.write(1024, 2);
            assertThat(user.entry(1024).start()).isEqualTo(at(1024));
            assertThat(user.touch(1023, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
            assertThat(user.read(1091)).isEqualTo(1);
        }
    }

    @Test
    void growsUp() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            assertThat(stack(user, 100, MapFlags.STACK_GROWS_UP)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("1024+32");
            user.write(1024, 5);
            user.write(1024 + 40, 6);
            assertThat(user.layout()).containsExactly("1024+64");
            assertThat(user.entry(1024).stackGrowth()).isEqualTo(at(36));
            assertThat(user.object(1024).charge()).isEqualTo(at(64));
            user.write(1024 + 99, 7);
            assertThat(user.layout()).containsExactly("1024+100");
            assertThat(user.touch(1024 + 100, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
        }
    }

    @Test
    void growsBothWays() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            stack(user, 96, MapFlags.STACK_GROWS_DOWN | MapFlags.STACK_GROWS_UP);
            assertThat(user.layout()).containsExactly("1056+32");
            user.write(1088, 1);
            user.write(1055, 2);
            assertThat(user.space().size()).isEqualTo(at(96));
        }
    }

    @Test
    void theNearerOfTwoStacksGrows() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            stack(user, 100, MapFlags.STACK_GROWS_UP);
            KernReturn upper = user.space().stack(at(1200), at(132), Prot.RW, Prot.ALL, MapFlags.STACK_GROWS_DOWN);
            assertThat(upper).isEqualTo(KernReturn.SUCCESS);
            user.write(1060, 1);
            assertThat(user.layout()).containsExactly("1024+64", "1300+32");
            user.write(1299, 1);
            assertThat(user.layout()).containsExactly("1024+64", "1268+32", "1300+32");
        }
    }

    @Test
    void stopsAtWhatIsMappedInItsWay() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            stack(user, 100, MapFlags.STACK_GROWS_DOWN);
            user.mapPrivate(1070, 10);
            user.write(1085, 1);
            assertThat(user.layout()).as("cut back to the free space").containsExactly("1070+10", "1080+12", "1092+32");
            assertThat(user.entry(1085).stackGrowth()).isLessThanOrEqualTo(at(68));
            assertThat(user.touch(1069, Prot.WRITE)).isNotEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void keepsAGuardPageWhenToldTo() {
        try (Rig rig = Rig.corrected()) {
            rig.table.setStackRules(at(4), true);
            User user = rig.user("a");
            stack(user, 100, MapFlags.STACK_GROWS_DOWN);
            assertThat(user.layout()).containsExactly("1120+4");
            user.map(1100, 10, Prot.READ, 0);
            user.write(1112, 1);
            assertThat(user.touch(1111, Prot.WRITE)).as("a page in between").isEqualTo(KernReturn.SUCCESS);
            assertThat(user.touch(1110, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
        }
    }

    @Test
    void refusesRoomThatIsTakenOrOutOfBounds() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(1050, 2);
            assertThat(stack(user, 100, MapFlags.STACK_GROWS_DOWN)).isEqualTo(KernReturn.NO_SPACE);
            assertThat(user.space().stack(at(1050), at(10), Prot.RW, Prot.ALL, 0))
                    .isEqualTo(KernReturn.NO_SPACE);
            assertThat(user.space().stack(at(0x50000), at(10), Prot.RW, Prot.ALL, 0))
                    .isEqualTo(KernReturn.NO_SPACE);
            assertThat(user.space().stack(0, at(10), Prot.RW, Prot.ALL, 0)).isEqualTo(KernReturn.NO_SPACE);
        }
    }

    @Test
    void keepsItsProtectionAsItGrows() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.space().stack(at(LOW), at(100), Prot.READ, Prot.ALL, MapFlags.STACK_GROWS_DOWN);
            assertThat(user.touch(1080, Prot.WRITE)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.touch(1080, Prot.READ)).isEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void theFirstStackStopsAtItsLimitAndOthersDoNot() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.process.setLimit(Limit.STACK, at(50));
            stack(user, 100, MapFlags.STACK_GROWS_DOWN);
            user.write(1091, 1);
            assertThat(user.layout()).as("cut to the limit").containsExactly("1074+18", "1092+32");
            assertThat(user.touch(1073, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
            user.space().stack(at(500), at(100), Prot.RW, Prot.ALL, MapFlags.STACK_GROWS_DOWN);
            user.write(567, 1);
            user.write(500, 1);
            User child = user.fork("b");
            assertThat(child.touch(1073, Prot.WRITE)).as("inherited").isEqualTo(KernReturn.FAILURE);
            user.process.setLimit(Limit.STACK, Limit.INFINITY);
            assertThat(user.touch(1073, Prot.WRITE)).isEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void growthCountsTowardsWhatMayBeMappedAndWired() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.process.setLimit(Limit.VMEM, at(40));
            assertThat(stack(user, 100, MapFlags.STACK_GROWS_UP)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.touch(1060, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
            user.process.setLimit(Limit.VMEM, at(64));
            assertThat(user.process.calls().mlockall(MemoryCalls.MCL_FUTURE)).isEqualTo(Errno.OK);
            user.process.setLimit(Limit.MEMLOCK, at(31));
            assertThat(user.touch(1060, Prot.WRITE)).isEqualTo(KernReturn.FAILURE);
            user.process.setLimit(Limit.MEMLOCK, at(32));
            assertThat(user.touch(1060, Prot.WRITE)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.space().pmap().wiredCount()).isEqualTo(32);
            assertThat(user.process.calls().munlockall()).isEqualTo(Errno.OK);
        }
    }
}
