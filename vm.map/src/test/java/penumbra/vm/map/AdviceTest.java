// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.Behavior;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@code vm_map_madvise}; LTP's madvise01, 05, 06 and 09. */
class AdviceTest {
    private static KernReturn advise(User user, long page, long count, Advice advice) {
        return user.space().madvise(at(page), at(page + count), advice);
    }

    @ParameterizedTest
    @EnumSource(Advice.class)
    void everyAdviceIsAcceptedAlsoOverHoles(Advice advice) {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 1);
            user.mapPrivate(BASE + 4, 2);
            user.protect(BASE + 4, 1, Prot.NONE);
            assertThat(advise(user, BASE - 2, 12, advice)).isEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void behaviourIsKeptByClippedEntriesAndMergedAgain() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 6);
            advise(user, BASE + 2, 2, Advice.SEQUENTIAL);
            assertThat(user.layout()).containsExactly("256+2", "258+2", "260+2");
            assertThat(user.entry(BASE + 2).behavior()).isEqualTo(Behavior.SEQUENTIAL);
            advise(user, BASE + 2, 2, Advice.RANDOM);
            assertThat(user.entry(BASE + 2).behavior()).isEqualTo(Behavior.RANDOM);
            advise(user, BASE, 6, Advice.NORMAL);
            assertThat(user.layout()).containsExactly("256+6");
            advise(user, BASE, 1, Advice.NOSYNC);
            advise(user, BASE, 1, Advice.NOCORE);
            assertThat(user.entry(BASE).noSync()).isTrue();
            assertThat(user.entry(BASE).noCore()).isTrue();
            advise(user, BASE, 1, Advice.AUTOSYNC);
            advise(user, BASE, 1, Advice.CORE);
            assertThat(user.layout()).containsExactly("256+6");
        }
    }

    @Test
    void freeForgetsWhatWasWrittenAndDontneedDoesNot() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 1);
            user.write(BASE + 1, 2);
            advise(user, BASE, 1, Advice.FREE);
            advise(user, BASE + 1, 1, Advice.DONTNEED);
            Page freed = rig.resident(user.object(BASE), 0);
            Page kept = rig.resident(user.object(BASE), 1);
            assertThat(freed.dirty()).isZero();
            assertThat(kept.dirty()).isEqualTo(Page.ALL);
            rig.evict(user.object(BASE), 0);
            rig.evict(user.object(BASE), 1);
            assertThat(user.read(BASE)).isZero();
            assertThat(user.read(BASE + 1)).isEqualTo(2);
        }
    }

    @Test
    void aPageWrittenAgainAfterFreeSurvives() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 1);
            user.write(BASE, 1);
            advise(user, BASE, 1, Advice.FREE);
            user.write(BASE, 2);
            rig.evict(user.object(BASE), 0);
            assertThat(user.read(BASE)).isEqualTo(2);
        }
    }

    /** The older page behind must not come back; the original lets it. */
    @Test
    void freeDoesNotRewindTime() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 1);
            parent.write(BASE, 1);
            User child = parent.fork("b");
            child.write(BASE, 2);
            advise(child, BASE, 1, Advice.FREE);
            rig.evict(child.object(BASE), 0);
            assertThat(child.read(BASE)).isEqualTo(2);
        }
        try (Rig rig = Rig.original()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 1);
            parent.write(BASE, 1);
            User child = parent.fork("b");
            child.write(BASE, 2);
            advise(child, BASE, 1, Advice.FREE);
            rig.evict(child.object(BASE), 0);
            assertThat(child.read(BASE)).isEqualTo(1);
        }
    }

    /** A wired page stays, so what is in it must: only the hardware knows that it was written. The original loses it. */
    @Test
    void whatFreeDoesNotFreeIsNotLost() {
        try (Rig rig = Rig.corrected()) {
            assertThat(readAfterFreeingWired(rig.user("a"), rig)).isEqualTo(7);
        }
        try (Rig rig = Rig.original()) {
            assertThat(readAfterFreeingWired(rig.user("a"), rig)).isZero();
        }
    }

    private static long readAfterFreeingWired(User user, Rig rig) {
        user.mapPrivate(BASE, 1);
        user.wire(BASE, 1);
        user.write(BASE, 7);
        advise(user, BASE, 1, Advice.FREE);
        user.unwire(BASE, 1);
        rig.evict(user.object(BASE), 0);
        return user.read(BASE);
    }

    @Test
    void willneedMapsWhatIsResident() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(6);
            rig.files.before = 0;
            rig.files.after = 0;
            User first = rig.user("a");
            first.mapFile(file, 0, BASE, 6, Prot.READ, false);
            first.read(BASE + 2);
            first.read(BASE + 4);
            User second = rig.user("b");
            second.mapFile(file, 0, BASE, 6, Prot.READ, false);
            advise(second, BASE, 4, Advice.WILLNEED);
            assertThat(second.mapped()).containsExactly("258");
        }
    }

    @Test
    void nosyncMarksPagesThatAreCleanWhenWritten() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(2);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 2, Prot.RW, false);
            advise(user, BASE, 2, Advice.NOSYNC);
            user.write(BASE, 1);
            Page page = rig.resident(user.object(BASE), 0);
            assertThat(page.oflags() & penumbra.page.PageFlags.O_NOSYNC).isNotZero();
            advise(user, BASE, 2, Advice.AUTOSYNC);
            user.protect(BASE, 1, Prot.READ);
            user.protect(BASE, 1, Prot.RW);
            user.write(BASE, 2);
            assertThat(page.oflags() & penumbra.page.PageFlags.O_NOSYNC).isZero();
        }
    }
}
