// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.process.Errno;
import penumbra.process.Limit;
import penumbra.process.MemoryCalls;
import penumbra.process.OpenFile;
import penumbra.process.Placement;
import penumbra.process.Signal;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/**
 * A process's system calls. What they check is told case by case by the known cases that scripts run; here are their
 * limits.
 */
class CallsTest {
    private static final int ANON = MemoryCalls.MAP_ANON | MemoryCalls.MAP_PRIVATE;

    private static Placement map(User user, long page, long count, int flags) {
        return user.process.calls().mmap(at(page), at(count), Prot.RW, flags, null, 0);
    }

    @Test
    void findsRoomFromTheHintOn() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            assertThat(map(user, BASE, 4, ANON)).isEqualTo(new Placement(Errno.OK, at(BASE)));
            assertThat(map(user, BASE + 2, 4, ANON).address()).isEqualTo(at(BASE + 4));
            assertThat(map(user, BASE + 2, 4, ANON | MemoryCalls.MAP_FIXED).address())
                    .isEqualTo(at(BASE + 2));
            assertThat(user.space().size()).isEqualTo(at(8));
        }
    }

    @Test
    void aWritersMappingIsCountedAndGivenBack() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            User user = rig.user("a");
            OpenFile open = new OpenFile(file, true, true);
            long start = user.process
                    .calls()
                    .mmap(0, at(4), Prot.RW, MemoryCalls.MAP_SHARED, open, 0)
                    .address();
            assertThat(file.writeMappings()).isEqualTo(at(4));
            assertThat(user.process.calls().munmap(start, at(4))).isEqualTo(Errno.OK);
            assertThat(file.writeMappings()).isZero();
            assertThat(user.process
                            .calls()
                            .mmap(at(BASE), at(4), Prot.RW, MemoryCalls.MAP_SHARED, new OpenFile(file, true, false), 0))
                    .isEqualTo(Placement.failed(Errno.EACCES));
            assertThat(file.object().refCount()).as("nothing is left of it").isZero();
        }
    }

    @Test
    void wiringStopsAtTheLimitsOfTheProcessAndOfTheMachine() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            MemoryCalls calls = user.process.calls();
            map(user, BASE, 16, ANON);
            user.process.setLimit(Limit.MEMLOCK, at(4));
            assertThat(calls.mlock(at(BASE), at(5))).isEqualTo(Errno.ENOMEM);
            assertThat(calls.mlock(at(BASE) + 1, at(3))).isEqualTo(Errno.OK);
            assertThat(user.space().pmap().wiredCount()).isEqualTo(4);
            assertThat(calls.mlockall(MemoryCalls.MCL_CURRENT)).isEqualTo(Errno.ENOMEM);
            user.process.setLimit(Limit.MEMLOCK, Limit.INFINITY);
            rig.table.setMaxWired(10);
            assertThat(calls.mlock(at(BASE), at(11))).isEqualTo(Errno.ENOMEM);
            assertThat(calls.mlock(at(BASE + 4), at(7))).isEqualTo(Errno.EAGAIN);
            assertThat(calls.mlock(at(BASE + 4), at(6))).isEqualTo(Errno.OK);
            rig.table.setMaxWired(0);
            assertThat(calls.mlock(at(BASE), at(16)))
                    .as("a third of the memory")
                    .isEqualTo(Errno.OK);
            assertThat(calls.munlock(at(BASE), at(16))).isEqualTo(Errno.OK);
            assertThat(user.space().pmap().wiredCount()).isZero();
        }
    }

    @Test
    void futureWiringHoldsForThisProcessAlone() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            assertThat(user.process.calls().mlockall(MemoryCalls.MCL_FUTURE)).isEqualTo(Errno.OK);
            map(user, BASE, 4, ANON);
            assertThat(user.entry(BASE).userWired()).isTrue();
            User child = user.fork("b");
            map(child, BASE + 100, 4, ANON);
            assertThat(child.entry(BASE + 100).userWired()).isFalse();
            assertThat(user.process.calls().munlockall()).isEqualTo(Errno.OK);
            map(user, BASE + 100, 4, ANON);
            assertThat(user.entry(BASE + 100).userWired()).isFalse();
        }
    }

    @Test
    void aWiredPageOutlivesTheShrinkingOfItsFile() {
        try (Rig rig = Rig.corrected()) {
            Vnode file = rig.file(4);
            User user = rig.user("a");
            user.mapFile(file, 0, BASE, 4, Prot.RW, false);
            assertThat(user.process.calls().mlock(at(BASE), at(4))).isEqualTo(Errno.OK);
            rig.objectOf(file).lock().lock();
            file.object().pageRemove(2, 4, 0);
            file.object().lock().unlock();
            rig.hold(file.object());
            assertThat(rig.resident(file.object(), 3).wireCount()).isEqualTo(1);
            rig.assertSound();
            assertThat(user.readByte(at(BASE + 3))).as("read again").isEqualTo(4);
            assertThat(user.process.calls().munlock(at(BASE), at(4))).isEqualTo(Errno.OK);
            assertThat(rig.isResident(file.object(), 2)).as("nobody's any more").isFalse();
            assertThat(rig.resident(file.object(), 3).wireCount()).isZero();
        }
    }

    @Test
    void signalsTellWhy() {
        assertThat(Signal.of(KernReturn.INVALID_ADDRESS, Fidelity.CORRECTED)).isEqualTo(Signal.SEGV_MAPERR);
        assertThat(Signal.of(KernReturn.FAILURE, Fidelity.CORRECTED)).isEqualTo(Signal.SEGV_MAPERR);
        assertThat(Signal.of(KernReturn.PROTECTION_FAILURE, Fidelity.CORRECTED)).isEqualTo(Signal.SEGV_ACCERR);
        assertThat(Signal.of(KernReturn.OUT_OF_BOUNDS, Fidelity.CORRECTED)).isEqualTo(Signal.BUS_OBJERR);
        assertThat(Signal.of(KernReturn.OUT_OF_BOUNDS, Fidelity.ORIGINAL)).isEqualTo(Signal.SEGV_ACCERR);
        assertThat(Signal.of(KernReturn.RESOURCE_SHORTAGE, Fidelity.CORRECTED)).isEqualTo(Signal.BUS_OOMERR);
        assertThat(Signal.of(KernReturn.RESOURCE_SHORTAGE, Fidelity.ORIGINAL)).isEqualTo(Signal.SEGV_MAPERR);
        assertThat(Signal.of(KernReturn.NOT_RECEIVER, Fidelity.ORIGINAL)).isEqualTo(Signal.KILLED);
        assertThat(Signal.BUS_OBJERR.signal()).isEqualTo("SIGBUS");
        assertThat(KernReturn.OUT_OF_BOUNDS.code()).isEqualTo(KernReturn.PROTECTION_FAILURE.code());
    }
}
