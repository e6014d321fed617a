// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.pager.PagerResult;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/** {@code vm_map_wire} and {@code vm_map_unwire}; NetBSD's t_mlock. */
class WiringTest {
    private static final int SYSTEM = 0;
    private static final int HOLES = MapFlags.WIRE_USER | MapFlags.WIRE_HOLESOK;

    @Test
    void clipsToTheRange() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 8);
            assertThat(user.wire(BASE + 2, 3)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("256+2", "258+3", "261+3");
            assertThat(user.entry(BASE + 2).userWired()).isTrue();
            assertThat(rig.pages.counts().wired()).isEqualTo(3);
            assertThat(user.mapped()).containsExactly("258:w", "259:w", "260:w");
            assertThat(user.unwire(BASE, 8)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.layout()).containsExactly("256+8");
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    @Test
    void aUsersWiringsDoNotNest() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.wire(BASE, 4);
            user.wire(BASE + 1, 2);
            assertThat(user.entry(BASE + 1).wiredCount()).isEqualTo(1);
            user.unwire(BASE, 4);
            assertThat(rig.pages.counts().wired()).isZero();
            assertThat(user.unwire(BASE, 4)).as("once more does no harm").isEqualTo(KernReturn.SUCCESS);
        }
    }

    @Test
    void theKernelsWiringsNestAndOutlastTheUsers() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            Space space = user.space();
            space.wire(at(BASE), at(BASE + 2), SYSTEM);
            space.wire(at(BASE), at(BASE + 2), SYSTEM);
            user.wire(BASE, 2);
            assertThat(user.entry(BASE).wiredCount()).isEqualTo(3);
            user.unwire(BASE, 2);
            space.unwire(at(BASE), at(BASE + 2), SYSTEM);
            assertThat(rig.pages.counts().wired()).isEqualTo(2);
            space.unwire(at(BASE), at(BASE + 2), SYSTEM);
            assertThat(rig.pages.counts().wired()).isZero();
            assertThat(space.unwire(at(BASE), at(BASE + 2), SYSTEM)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        }
    }

    @Test
    void refusesHolesUnlessTheyAreAllowed() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.mapPrivate(BASE + 4, 2);
            assertThat(user.wire(BASE, 6)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(rig.pages.counts().wired()).as("taken back").isZero();
            assertThat(user.entry(BASE).wiredCount()).isZero();
            assertThat(user.wire(BASE + 2, 4)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.space().wire(at(BASE), at(BASE + 8), HOLES)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isEqualTo(4);
            assertThat(user.space().unwire(at(BASE), at(BASE + 8), HOLES)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    @Test
    void leavesOutWhatCannotBeRead() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 6);
            user.protect(BASE + 2, 2, Prot.NONE);
            assertThat(user.wire(BASE, 6)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(rig.pages.counts().wired()).isZero();
            assertThat(user.space().wire(at(BASE), at(BASE + 6), HOLES)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isEqualTo(4);
            assertThat(user.entry(BASE + 2).wiredCount()).isZero();
            user.space().unwire(at(BASE), at(BASE + 6), HOLES);
        }
    }

    @Test
    void unwiresWhatWasWiredWhenAPageCannotBeRead() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(8);
            user.mapPrivate(BASE, 2);
            user.mapFile(file, 0, BASE + 2, 8, Prot.READ, false);
            rig.files.before = 0;
            rig.files.after = 0;
            rig.files.duringRead = () -> {
                if (rig.files.reads.size() == 3) {
                    rig.files.readResult = PagerResult.ERROR;
                }
            };
            assertThat(user.wire(BASE, 10)).isEqualTo(KernReturn.FAILURE);
            assertThat(rig.pages.counts().wired()).isZero();
            assertThat(user.entry(BASE).wiredCount()).isZero();
            assertThat(user.entry(BASE + 4).wiredCount()).isZero();
            rig.files.readResult = PagerResult.OK;
            rig.files.duringRead = () -> {};
            assertThat(user.wire(BASE, 10)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isEqualTo(10);
            user.unwire(BASE, 10);
        }
    }

    @Test
    void aFailureLeavesEarlierWiringsAlone() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.wire(BASE, 2);
            assertThat(user.wire(BASE, 4)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(user.entry(BASE).userWired()).isTrue();
            assertThat(rig.pages.counts().wired()).isEqualTo(2);
        }
    }

    @Test
    void wiredPagesAreCopiedFirstWhereTheyMayBeWritten() {
        try (Rig rig = Rig.corrected()) {
            User parent = rig.user("a");
            parent.mapPrivate(BASE, 2);
            parent.write(BASE, 1);
            User child = parent.fork("b");
            child.wire(BASE, 1);
            assertThat(child.object(BASE)).isNotSameAs(parent.object(BASE));
            long faults = child.space().faults().total();
            child.write(BASE, 2);
            assertThat(child.space().faults().total()).isEqualTo(faults);
            assertThat(parent.read(BASE)).isEqualTo(1);
            child.unwire(BASE, 1);
        }
    }

    /** The original looks for the page in the pmap alone and leaves it wired for ever. */
    @Test
    void unwiresPagesWhoseMappingsWereTakenAway() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.wire(BASE, 2);
            user.protect(BASE, 2, Prot.NONE);
            assertThat(user.mapped()).isEmpty();
            user.unwire(BASE, 2);
            assertThat(rig.pages.counts().wired()).isZero();
        }
        try (Rig rig = Rig.original()) {
            rig.broken = true;
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.wire(BASE, 2);
            user.protect(BASE, 2, Prot.NONE);
            user.unwire(BASE, 2);
            assertThat(rig.pages.counts().wired()).isEqualTo(2);
        }
    }

    @Test
    void unmappingUnwires() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 4);
            user.wire(BASE, 4);
            user.unmap(BASE + 1, 2);
            assertThat(rig.pages.counts().wired()).isEqualTo(2);
            user.exit();
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    @Test
    void aFaultWaitsForAWiringUnderWayAndForkWaitsToo() {
        try (Rig rig = Rig.threaded(2, 4096)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            Vnode file = rig.file(4);
            user.mapFile(file, 0, BASE, 4, Prot.READ, false);
            Gate gate = new Gate();
            rig.files.duringRead = gate::pass;
            threads.start("wirer", () -> assertThat(user.wire(BASE, 4)).isEqualTo(KernReturn.SUCCESS));
            gate.awaitArrival();
            Thread toucher =
                    threads.start("toucher", () -> assertThat(user.on(1).readByte(at(BASE + 1)))
                            .isEqualTo(2));
            threads.awaitSleep(toucher, "vmmaps");
            Thread forker = threads.start("forker", () -> user.fork("b").exit());
            threads.awaitSleep(forker, "mbusy");
            Thread unmapper = threads.start("unmapper", () -> user.unmap(BASE + 3, 1));
            threads.awaitSleep(unmapper, "vmmaps");
            gate.open();
            threads.join();
            assertThat(user.layout()).containsExactly("256+3");
            assertThat(rig.pages.counts().wired()).isEqualTo(3);
            user.unwire(BASE, 3);
        }
    }

    @Test
    void unmappingWaitsUntilTheKernelHasUnwired() {
        try (Rig rig = Rig.threaded(1, 4096)) {
            Threads threads = new Threads(rig);
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.space().wire(at(BASE), at(BASE + 2), SYSTEM);
            Thread unmapper = threads.start("unmapper", () -> user.unmap(BASE, 2));
            threads.awaitSleep(unmapper, "vmmaps");
            user.space().unwire(at(BASE), at(BASE + 2), SYSTEM);
            threads.join();
            assertThat(user.layout()).isEmpty();
        }
    }
}
