// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;
import penumbra.map.FaultCounts;
import penumbra.map.MapFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.FilePager.Read;
import penumbra.pager.PagerResult;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@code vm_fault}, step by step. */
class FaultTest {
    @Test
    void fillsWithZeroesAtTheFirstTouch() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            assertThat(user.entry(BASE).object()).isNull();
            assertThat(user.read(BASE + 2)).isZero();
            Page page = rig.resident(user.object(BASE), 2);
            assertThat(page.dirty()).as("read, not written").isZero();
            assertThat(page.queue()).isEqualTo(QueueId.ACTIVE);
            user.write(BASE + 1, 4);
            assertThat(rig.resident(user.object(BASE), 1).dirty()).isEqualTo(Page.ALL);
            assertThat(user.mapped()).as("its neighbours are not touched").containsExactly("257:w", "258:w");
            FaultCounts faults = user.space().faults();
            assertThat(faults.zeroFill()).isEqualTo(2);
            assertThat(faults.total()).isEqualTo(2);
        }
    }

    @Test
    void refusesWhatIsNotMappedOrNotAllowed() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.map(BASE, 1, Prot.READ, 0);
            assertThat(user.touch(BASE + 1, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.touch(BASE, Prot.WRITE)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.touch(BASE, Prot.EXECUTE)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.space().faults().protection()).isEqualTo(3);
        }
    }

    @Test
    void copiesWhatIsSharedAndMovesWhatIsNot() {
        try (Rig rig = Rig.corrected()) {
            User a = rig.user("a");
            a.mapPrivate(BASE, 2);
            a.write(BASE, 1);
            a.write(BASE + 1, 2);
            User b = a.fork("b");
            a.write(BASE, 3);
            b.write(BASE, 4);
            b.write(BASE + 1, 5);
            VmObject behind = a.object(BASE).backing();
            Page original = rig.resident(behind, 1);
            // The next fork lets b's chain go past the object behind, which a's alone refers to from then on.
            User c = b.fork("c");
            assertThat(behind.refCount()).isEqualTo(1);
            a.write(BASE + 1, 6);
            assertThat(rig.resident(a.object(BASE), 1)).as("moved, not copied").isSameAs(original);
            assertThat(a.space().faults().copyAvoided()).isEqualTo(1);
            assertThat(a.space().faults().copyOnWrite()).isEqualTo(1);
            assertThat(a.read(BASE + 1)).isEqualTo(6);
            assertThat(c.read(BASE + 1)).isEqualTo(5);
        }
    }

    @Test
    void theCopiedPageIsLessWanted() {
        try (Rig rig = Rig.corrected()) {
            User a = rig.user("a");
            a.mapPrivate(BASE, 1);
            a.write(BASE, 1);
            VmObject object = a.object(BASE);
            User b = a.fork("b");
            b.write(BASE, 2);
            assertThat(rig.resident(object, 0).queue()).isEqualTo(QueueId.INACTIVE);
            assertThat(rig.resident(b.object(BASE), 0).queue()).isEqualTo(QueueId.ACTIVE);
        }
    }

    // Reading

    @Test
    void readsAWindowAroundThePage() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(100);
            user.mapFile(file, 0, BASE, 100, Prot.READ, false);
            user.read(BASE + 50);
            assertThat(rig.files.reads).containsExactly(new Read(42, 16, 8));
            assertThat(user.entry(BASE).readAhead()).isEqualTo(7);
            assertThat(user.entry(BASE).nextRead()).isEqualTo(58);
            assertThat(user.mapped())
                    .as("all that was read is mapped")
                    .hasSize(16)
                    .contains("298", "313");
            user.read(BASE + 2);
            assertThat(rig.files.reads.get(1)).as("clipped at the start").isEqualTo(new Read(0, 10, 2));
        }
    }

    @Test
    void theWindowGrowsWhileFaultsFollowOneAnother() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(200);
            user.mapFile(file, 0, BASE, 200, Prot.READ, false);
            for (int i = 0; i < 200; i++) {
                user.read(BASE + i);
            }
            // The first page counts as the next one of an entry that read nothing yet.
            assertThat(rig.files.reads.subList(0, 5))
                    .containsExactly(
                            new Read(0, 16, 0),
                            new Read(16, 24, 0),
                            new Read(40, 32, 0),
                            new Read(72, 32, 0),
                            new Read(104, 32, 0));
            assertThat(user.space().faults().fileRead()).isEqualTo(rig.files.reads.size());
            assertThat(user.space().faults().total())
                    .as("everything read was mapped")
                    .isEqualTo(rig.files.reads.size());
        }
    }

    @Test
    void whatALongSequentialReadLeftBehindIsCached() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(300);
            user.mapFile(file, 0, BASE, 300, Prot.READ, false);
            for (int i = 0; i < 300; i++) {
                user.read(BASE + i);
            }
            VmObject object = user.object(BASE);
            assertThat(rig.isResident(object, 20)).isFalse();
            assertThat(object.pages().findLeastCached(20)).isNotNull();
            assertThat(rig.isResident(object, 299)).isTrue();
        }
    }

    @Test
    void adviceChoosesTheWindow() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(100);
            user.mapFile(file, 0, BASE, 100, Prot.READ, false);
            user.space().madvise(at(BASE), at(BASE + 100), Advice.RANDOM);
            user.read(BASE + 50);
            user.space().madvise(at(BASE), at(BASE + 100), Advice.SEQUENTIAL);
            user.read(BASE + 10);
            assertThat(rig.files.reads).containsExactly(new Read(50, 1, 0), new Read(10, 32, 0));
        }
    }

    @Test
    void readsUpToPagesThatAreThere() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(100);
            user.mapFile(file, 0, BASE, 100, Prot.READ, false);
            user.space().madvise(at(BASE), at(BASE + 100), Advice.RANDOM);
            user.read(BASE + 47);
            user.read(BASE + 53);
            user.space().madvise(at(BASE), at(BASE + 100), Advice.NORMAL);
            user.read(BASE + 50);
            assertThat(rig.files.reads.get(2)).isEqualTo(new Read(48, 5, 2));
        }
    }

    @Test
    void refusesBeyondTheEndOfAFile() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapFile(rig.file(2), 0, BASE, 4, Prot.RW, false);
            assertThat(user.touch(BASE + 1, Prot.WRITE)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.touch(BASE + 2, Prot.WRITE)).isEqualTo(KernReturn.OUT_OF_BOUNDS);
            assertThat(user.touch(BASE + 3, Prot.READ)).isEqualTo(KernReturn.OUT_OF_BOUNDS);
        }
    }

    @Test
    void tellsAnErrorFromAMissingPage() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapFile(rig.file(2), 0, BASE, 2, Prot.READ, false);
            rig.files.readResult = PagerResult.ERROR;
            assertThat(user.touch(BASE, Prot.READ)).isEqualTo(KernReturn.FAILURE);
            rig.files.readResult = PagerResult.BAD;
            assertThat(user.touch(BASE, Prot.READ)).isEqualTo(KernReturn.OUT_OF_BOUNDS);
            rig.files.readResult = PagerResult.OK;
            assertThat(user.readByte(at(BASE))).isEqualTo(1);
        }
    }

    @Test
    void readsSwappedPagesAndGivesTheirSlotsUpWhenTheyAreWritten() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 5);
            user.write(BASE + 1, 6);
            VmObject object = user.object(BASE);
            rig.evict(object, 0);
            rig.evict(object, 1);
            assertThat(object.type()).isEqualTo(ObjectType.SWAP);
            user.space().madvise(at(BASE), at(BASE + 2), Advice.RANDOM);
            assertThat(user.read(BASE)).isEqualTo(5);
            assertThat(user.space().faults().swapRead()).isEqualTo(1);
            assertThat(rig.pagers.swap().pages(object))
                    .as("a clean page keeps its copy")
                    .isEqualTo(2);
            user.write(BASE + 1, 7);
            assertThat(rig.pagers.swap().pages(object)).isEqualTo(1);
            assertThat(rig.resident(object, 1).dirty()).isEqualTo(Page.ALL);
        }
    }

    // Prefault

    @Test
    void mapsNearNeighboursUpToTheFirstThatIsNowhere() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 16);
            for (int i : new int[] {4, 6, 7, 8, 9, 10, 12}) {
                parent.write(BASE + i, i);
            }
            User child = parent.fork("b");
            child.read(BASE + 8);
            // 7, 9, 6, 10, then 5 is nowhere.
            assertThat(child.mapped()).containsExactly("262", "263", "264", "265", "266");
        }
    }

    @Test
    void mapsNoFartherThanFourPagesAndNotBeyondTheEntry() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 16);
            for (int i = 0; i < 16; i++) {
                parent.write(BASE + i, i);
            }
            User child = parent.fork("b");
            child.read(BASE + 8);
            assertThat(child.mapped()).hasSize(9).startsWith("260").endsWith("268");
            child.protect(BASE + 14, 2, Prot.READ);
            child.read(BASE + 15);
            assertThat(child.mapped()).hasSize(11).endsWith("270", "271");
        }
    }

    @Test
    void mapsNeighboursForReadingOnly() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            for (int i = 0; i < 4; i++) {
                user.write(BASE + i, i);
            }
            user.protect(BASE, 4, Prot.NONE);
            user.protect(BASE, 4, Prot.RW);
            user.write(BASE + 1, 9);
            assertThat(user.mapped()).containsExactly("256", "257:w", "258", "259");
        }
    }

    // Waiting

    @Test
    void waitsForMemoryAndTriesAgain() {
        try (Rig rig = Rig.small(256)) {
            User user = rig.user("a");
            int severe = rig.pages.limits().freeSevere();
            int room = rig.pages.counts().available() - severe;
            user.mapPrivate(BASE, room + 10);
            int[] waits = new int[1];
            rig.daemon = () -> {
                waits[0]++;
                rig.evictSome(4);
            };
            for (int i = 0; i < room + 10; i++) {
                user.write(BASE + i, i);
            }
            assertThat(waits[0]).isPositive();
            for (int i = 0; i < room + 10; i++) {
                assertThat(user.read(BASE + i)).isEqualTo(i);
            }
        }
    }

    @Test
    void aKilledProcessDoesNotWaitForMemory() {
        try (Rig rig = Rig.threaded(1, 256)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            int room = rig.pages.counts().available() - rig.pages.limits().freeSevere();
            user.mapPrivate(BASE, room + 10);
            KernReturn[] last = new KernReturn[1];
            Thread toucher = threads.start("toucher", () -> {
                int i = 0;
                do {
                    last[0] = user.touch(BASE + i++, Prot.WRITE);
                } while (last[0].ok());
            });
            threads.awaitSleep(toucher, "pfault");
            rig.table.kill(user.process, "out of swap space");
            threads.join();
            assertThat(last[0]).isEqualTo(KernReturn.NOT_RECEIVER);
            assertThat(user.process.killReason()).isEqualTo("out of swap space");
            user.exit();
            assertThat(rig.pages.counts().available()).isGreaterThan(room);
        }
    }

    @Test
    void twoThreadsThatMissTheSamePageReadItOnce() {
        try (Rig rig = Rig.threaded(2, 4096)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            user.mapFile(rig.file(4), 0, BASE, 4, Prot.READ, false);
            Gate gate = new Gate();
            rig.files.duringRead = gate::pass;
            threads.start("first", () -> assertThat(user.readByte(at(BASE))).isEqualTo(1));
            gate.awaitArrival();
            Thread second = threads.start(
                    "second", () -> assertThat(user.on(1).readByte(at(BASE))).isEqualTo(1));
            threads.awaitSleep(second, "vmpfw");
            gate.open();
            threads.join();
            assertThat(rig.files.reads).hasSize(1);
        }
    }

    @Test
    void startsOverWhenTheMappingChangedDuringTheRead() {
        try (Rig rig = Rig.threaded(1, 4096)) {
            User user = rig.user("a");
            user.mapFile(rig.file(4), 0, BASE, 4, Prot.READ, false);
            rig.files.duringRead = () -> {
                rig.files.duringRead = () -> {};
                user.unmap(BASE, 4);
                user.mapPrivate(BASE, 4);
            };
            assertThat(user.readByte(at(BASE))).as("the new mapping").isZero();
            rig.files.duringRead = () -> {};
            User other = rig.user("b");
            other.mapFile(rig.file(4), 0, BASE, 4, Prot.READ, false);
            rig.files.duringRead = () -> other.unmap(BASE, 4);
            assertThat(other.touch(BASE, Prot.READ)).isEqualTo(KernReturn.INVALID_ADDRESS);
        }
    }

    @Test
    void losesWriteWhenItWasTakenDuringTheRead() {
        try (Rig rig = Rig.threaded(1, 4096)) {
            User user = rig.user("a");
            user.mapFile(rig.file(4), 0, BASE, 4, Prot.RW, false);
            rig.files.duringRead = () -> user.protect(BASE, 4, Prot.READ);
            user.readByte(at(BASE));
            assertThat(user.mapped()).containsOnly("256", "257", "258", "259");
            assertThat(user.touch(BASE, Prot.WRITE)).isEqualTo(KernReturn.PROTECTION_FAILURE);
        }
    }

    @Test
    void aNofaultEntryPanics() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.map(BASE, 1, Prot.RW, MapFlags.NOFAULT);
            rig.broken = true;
            Threads threads = new Threads(rig);
            // A thread of its own, since a panic leaves its locks held.
            threads.start("victim", () -> user.space().fault(at(BASE), Prot.READ, 0));
            assertThatThrownBy(threads::join)
                    .hasRootCauseInstanceOf(KernelPanic.class)
                    .hasMessageContaining("nofault");
        }
    }
}
