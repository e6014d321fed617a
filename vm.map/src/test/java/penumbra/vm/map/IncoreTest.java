// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.map.MapFlags.MINCORE_INCORE;
import static penumbra.map.MapFlags.MINCORE_MODIFIED;
import static penumbra.map.MapFlags.MINCORE_MODIFIED_OTHER;
import static penumbra.map.MapFlags.MINCORE_REFERENCED;
import static penumbra.map.MapFlags.MINCORE_REFERENCED_OTHER;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.vm.map.Rig.User;

/** {@code mincore}; NetBSD's t_mincore. */
class IncoreTest {
    private static final int READ_HERE = MINCORE_INCORE | MINCORE_REFERENCED | MINCORE_REFERENCED_OTHER;
    private static final int WRITTEN_HERE = READ_HERE | MINCORE_MODIFIED | MINCORE_MODIFIED_OTHER;

    private static byte[] incore(User user, long page, int count) {
        byte[] states = new byte[count];
        assertThat(user.space().mincore(at(page), at(page + count), states)).isEqualTo(KernReturn.SUCCESS);
        return states;
    }

    @Test
    void tellsWhatWasTouched() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            assertThat(incore(user, BASE, 4)).containsOnly(0);
            user.write(BASE + 1, 1);
            user.read(BASE + 2);
            assertThat(incore(user, BASE, 4)).containsExactly(0, WRITTEN_HERE, READ_HERE, 0);
            assertThat(incore(user, BASE + 2, 2)).containsExactly(READ_HERE, 0);
            rig.evict(user.object(BASE), 1);
            assertThat(incore(user, BASE, 4)).containsExactly(0, 0, READ_HERE, 0);
        }
    }

    @Test
    void tellsWhatOthersDid() {
        try (Rig rig = Rig.corrected()) {
            User writer = rig.user("a");
            writer.mapShared(BASE, 2);
            writer.write(BASE, 1);
            User other = writer.fork("b");
            assertThat(incore(other, BASE, 2))
                    .containsExactly(MINCORE_INCORE | MINCORE_MODIFIED_OTHER | MINCORE_REFERENCED_OTHER, 0);
        }
    }

    @Test
    void wiredMemoryIsInMemory() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 3);
            user.wire(BASE, 3);
            assertThat(incore(user, BASE, 3)).containsOnly(WRITTEN_HERE);
            user.unwire(BASE, 3);
        }
    }

    @Test
    void refusesHolesAndShortAnswers() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.mapPrivate(BASE + 3, 2);
            Space space = user.space();
            byte[] states = new byte[8];
            assertThat(space.mincore(at(BASE), at(BASE + 5), states)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(space.mincore(at(BASE + 2), at(BASE + 3), states)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(space.mincore(at(BASE + 3), at(BASE + 6), states)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(space.mincore(0, at(1), states)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(space.mincore(at(BASE), at(BASE + 2), new byte[1])).isEqualTo(KernReturn.INVALID_ARGUMENT);
        }
    }

    @Test
    void aPageReadAheadIsInMemoryThoughNobodyTouchedIt() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapFile(rig.file(4), 0, BASE, 4, Prot.READ, false);
            user.read(BASE);
            assertThat(incore(user, BASE, 4))
                    .containsExactly(READ_HERE, MINCORE_INCORE, MINCORE_INCORE, MINCORE_INCORE);
        }
    }
}
