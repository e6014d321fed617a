// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Inheritance;
import penumbra.vm.map.Rig.User;

/**
 * A shadow object that several processes share: a copy made by one of them must replace what the others have mapped of
 * the page behind (FreeBSD's shared_shadow_inval_test; CVE-2021-29626).
 */
class SharedShadowTest {
    /** The sharer and its sibling, each with all pages read, behind both of them an ancestor's pages. */
    private static User[] sharers(Rig rig, int count) {
        User ancestor = rig.user("ancestor");
        ancestor.mapPrivate(BASE, count);
        for (int i = 0; i < count; i++) {
            ancestor.write(BASE + i, i);
        }
        User sharer = ancestor.fork("sharer");
        sharer.space().inherit(at(BASE), at(BASE + count), Inheritance.SHARE);
        User sibling = sharer.fork("sibling");
        for (int i = 0; i < count; i++) {
            assertThat(sharer.read(BASE + i)).isEqualTo(i);
            assertThat(sibling.read(BASE + i)).isEqualTo(i);
        }
        return new User[] {ancestor, sharer, sibling};
    }

    @ParameterizedTest(name = "{0} pages, {1} written, the ancestor {2}")
    @CsvSource({"1, 1, stays", "1, 1, exits", "8, 8, stays", "8, 8, exits", "8, 3, exits", "513, 513, stays"})
    void aWriteReachesTheSharer(int count, int written, String ancestor) {
        try (Rig rig = Rig.corrected()) {
            User[] users = sharers(rig, count);
            if (ancestor.equals("exits")) {
                users[0].exit();
            }
            for (int i = 0; i < written; i++) {
                users[1].write(BASE + i, 1000 + i);
            }
            for (int i = 0; i < count; i++) {
                assertThat(users[2].read(BASE + i)).isEqualTo(i < written ? 1000 + i : i);
            }
            users[2].write(BASE, 5);
            assertThat(users[1].read(BASE)).isEqualTo(5);
        }
    }

    @ParameterizedTest(name = "{0} pages")
    @CsvSource({"1", "8", "513"})
    void aCopyMadeForWiredMemoryReachesTheSharer(int count) {
        try (Rig rig = Rig.corrected()) {
            User[] users = sharers(rig, count);
            assertThat(users[1].protect(BASE, count, Prot.READ)).isEqualTo(KernReturn.SUCCESS);
            assertThat(users[1].wire(BASE, count)).isEqualTo(KernReturn.SUCCESS);
            assertThat(users[1].protect(BASE, count, Prot.RW)).isEqualTo(KernReturn.SUCCESS);
            for (int i = 0; i < count; i++) {
                users[1].write(BASE + i, 1000 + i);
            }
            for (int i = 0; i < count; i++) {
                assertThat(users[2].read(BASE + i)).isEqualTo(1000 + i);
                assertThat(users[0].read(BASE + i)).isEqualTo(i);
            }
            rig.assertSound();
            users[1].unwire(BASE, count);
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }
}
