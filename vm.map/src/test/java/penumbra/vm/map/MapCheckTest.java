// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.inspect.Violations;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.vm.map.Rig.User;

/** Each invariant is broken on purpose and must be reported. */
class MapCheckTest {
    private static void assertReported(Rig rig, String words) {
        rig.broken = true;
        Violations violations = new Violations();
        rig.table.check(violations, List.of());
        assertThat(violations.messages()).anyMatch(message -> message.contains(words));
    }

    private static User written(Rig rig) {
        User user = rig.user("a");
        user.mapPrivate(BASE, 4);
        user.write(BASE, 1);
        rig.assertSound();
        return user;
    }

    @Test
    void aStrayReference() {
        try (Rig rig = Rig.corrected()) {
            written(rig).object(BASE).reference();
            assertReported(rig, "has 2 references: 1 entries map it, 0 objects shadow it, 0 are held");
        }
    }

    @Test
    void swapThatNobodyReserved() {
        try (Rig rig = Rig.corrected()) {
            written(rig);
            rig.accounting.reserveForce(at(3), Rig.USER);
            assertReported(rig, "are charged 16384 bytes, 28672 are reserved");
        }
    }

    @Test
    void aWiringTooMany() {
        try (Rig rig = Rig.corrected()) {
            VmObject object = written(rig).object(BASE);
            Page page = rig.resident(object, 0);
            object.lock().lock();
            page.wire();
            object.lock().unlock();
            assertReported(rig, "is wired 1 times, by entries and holders 0 times");
        }
    }

    @Test
    void aMappingOfAPageThatIsNotThere() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            Page page = rig.resident(user.object(BASE), 0);
            user.space().pmap().enter(at(BASE + 2), Prot.READ, page, Prot.READ, false);
            assertReported(rig, "which the chain of entry");
        }
    }

    @Test
    void aMappingWhereNothingIsMapped() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            Page page = rig.resident(user.object(BASE), 0);
            user.space().pmap().enter(at(BASE + 9), Prot.READ, page, Prot.READ, false);
            assertReported(rig, "where no object is mapped");
        }
    }

    @Test
    void aWriteableMappingOfAPageBehind() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            User child = user.fork("b");
            child.write(BASE + 1, 2);
            child.read(BASE);
            Page shared = rig.resident(user.object(BASE), 0);
            child.space().pmap().enter(at(BASE), Prot.WRITE, shared, Prot.RW, false);
            assertReported(rig, "is writeable, the page is in");
        }
    }

    @Test
    void aStaleMappingOfAPageThatIsHidden() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            User child = user.fork("b");
            child.write(BASE, 2);
            Page hidden = rig.resident(user.object(BASE), 0);
            child.space().pmap().enter(at(BASE), Prot.READ, hidden, Prot.READ, false);
            assertReported(rig, "that page 0 of");
        }
    }

    @Test
    void aWiredMappingInAnUnwiredEntry() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            user.space().pmap().changeWiring(at(BASE), true);
            assertReported(rig, "wired 0 times");
        }
    }

    @Test
    void anEntryOutOfOrder() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            user.mapPrivate(BASE + 8, 2);
            user.space().tree().first().end = at(BASE + 9);
            assertReported(rig, "out of order or bounds");
            assertReported(rig, "wrong links, place or gap");
        }
    }

    @Test
    void protectionBeyondTheMaximumAndATransitionAtRest() {
        try (Rig rig = Rig.corrected()) {
            User user = written(rig);
            Entry entry = user.space().tree().first();
            entry.maxProt = Prot.READ;
            entry.flags |= Entry.IN_TRANSITION;
            assertReported(rig, "beyond its maximum");
            assertReported(rig, "is in transition at rest");
        }
    }
}
