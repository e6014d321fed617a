// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.page.Page;
import penumbra.pager.PagerResult;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@code vm_map_sync}; LTP's msync01 to 04, NetBSD's t_msync. */
class SyncTest {
    private static KernReturn sync(User user, long page, long count, boolean invalidate) {
        return user.space().sync(at(page), at(page + count), true, invalidate);
    }

    private static byte contents(Rig rig, Vnode file, long page) {
        return rig.contents(file)[(int) at(page)];
    }

    @Test
    void writesBackWhatAMappingChanged() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 4, Prot.RW, false);
            user.writeByte(at(BASE + 1), 50);
            user.writeByte(at(BASE + 3), 51);
            assertThat(sync(user, BASE, 3, false)).isEqualTo(KernReturn.SUCCESS);
            assertThat(contents(rig, file, 1)).isEqualTo((byte) 50);
            assertThat(rig.resident(user.object(BASE), 1).dirty()).isZero();
            assertThat(sync(user, BASE, 4, false)).isEqualTo(KernReturn.SUCCESS);
            assertThat(contents(rig, file, 3)).isEqualTo((byte) 51);
        }
    }

    @Test
    void anEmptyRangeStandsForTheWholeMapping() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 4, Prot.RW, false);
            user.writeByte(at(BASE + 3), 51);
            assertThat(sync(user, BASE + 1, 0, false)).isEqualTo(KernReturn.SUCCESS);
            assertThat(contents(rig, file, 3)).isEqualTo((byte) 51);
        }
    }

    @Test
    void crossesEntriesAndLeavesPrivateMemoryAlone() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(2);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 2, Prot.RW, false);
            user.mapPrivate(BASE + 2, 2);
            user.mapFile(file, 1, BASE + 4, 1, Prot.RW, true);
            user.writeByte(at(BASE), 40);
            user.write(BASE + 2, 1);
            user.writeByte(at(BASE + 4), 41);
            assertThat(sync(user, BASE, 5, false)).isEqualTo(KernReturn.SUCCESS);
            assertThat(contents(rig, file, 0)).isEqualTo((byte) 40);
            assertThat(contents(rig, file, 1)).isEqualTo((byte) 2);
            assertThat(user.read(BASE + 2)).isEqualTo(1);
        }
    }

    @Test
    void refusesGaps() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.mapPrivate(BASE + 3, 2);
            assertThat(sync(user, BASE, 5, false)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(sync(user, BASE + 2, 1, false)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(sync(user, BASE + 3, 3, false)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(sync(user, BASE, 2, false)).isEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void invalidatingReadsTheFileAgain() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(2);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 2, Prot.READ, false);
            assertThat(user.readByte(at(BASE))).isEqualTo(1);
            rig.contents(file)[0] = 77;
            assertThat(user.readByte(at(BASE))).isEqualTo(1);
            assertThat(sync(user, BASE, 2, true)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.mapped()).isEmpty();
            assertThat(user.readByte(at(BASE))).isEqualTo(77);
        }
    }

    @Test
    void wiredMemoryCannotBeInvalidated() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(2);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 2, Prot.READ, false);
            user.wire(BASE + 1, 1);
            assertThat(sync(user, BASE, 2, true)).isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(sync(user, BASE, 1, true)).isEqualTo(KernReturn.SUCCESS);
            user.unwire(BASE + 1, 1);
        }
    }

    @Test
    void tellsThatAPageCouldNotBeWritten() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(2);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 2, Prot.RW, false);
            user.writeByte(at(BASE), 50);
            rig.files.writeResult = PagerResult.ERROR;
            assertThat(sync(user, BASE, 2, false)).isEqualTo(KernReturn.FAILURE);
            rig.files.writeResult = PagerResult.OK;
            assertThat(sync(user, BASE, 2, false)).isEqualTo(KernReturn.SUCCESS);
            assertThat(contents(rig, file, 0)).isEqualTo((byte) 50);
        }
    }

    @Test
    void goesThroughSubmaps() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            Space kernel = (Space) rig.table.kernelSpace();
            long start = kernel.min() + at(16);
            Space window = (Space) rig.table.kernelSubmap(start, start + at(8));
            window.insert(rig.objectOf(file), 1, start + at(2), start + at(4), Prot.RW, Prot.ALL, 0);
            assertThat(kernel.fault(start + at(2), Prot.WRITE, MapFlags.FAULT_DIRTY))
                    .isEqualTo(KernReturn.SUCCESS);
            Page page = rig.resident(file.object(), 1);
            assertThat(page.dirty()).isNotZero();
            assertThat(kernel.sync(start, start + at(3), true, false))
                    .as("from a hole on")
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(page.dirty()).isZero();
            assertThat(kernel.sync(start, start + at(9), true, false)).isEqualTo(KernReturn.INVALID_ADDRESS);
            window.remove(window.min(), window.max());
        }
    }
}
