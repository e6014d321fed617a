// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.BASE;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.vm.map.Rig.User;
import penumbra.vnode.Vnode;

/**
 * {@code vm_map_protect}, and which accesses each protection lets through (NetBSD t_mprotect, LTP mmap02 to mmap07).
 */
class ProtectTest {
    private static final int X = Prot.EXECUTE;

    @ParameterizedTest
    @CsvSource({
        "0, false, false, false",
        "1, true, false, false",
        "2, true, true, false",
        "3, true, true, false",
        "4, true, false, true",
        "5, true, false, true",
        "6, true, true, true",
        "7, true, true, true"
    })
    void letsThroughWhatTheMappingAllows(int prot, boolean read, boolean write, boolean execute) {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.map(BASE, 1, prot, 0);
            // Last of all a read: amd64 lets everything be read that is mapped at all.
            assertThat(user.touch(BASE, Prot.WRITE).ok()).isEqualTo(write);
            assertThat(user.touch(BASE, X).ok()).isEqualTo(execute);
            assertThat(user.touch(BASE, Prot.READ).ok()).isEqualTo(read);
        }
    }

    @Test
    void takesEffectAtOnce() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 5);
            user.protect(BASE, 1, Prot.READ);
            assertThat(user.touch(BASE, Prot.WRITE)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.read(BASE)).isEqualTo(5);
            user.protect(BASE, 1, Prot.NONE);
            assertThat(user.touch(BASE, Prot.READ)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.touch(BASE + 1, Prot.WRITE)).isEqualTo(KernReturn.SUCCESS);
            user.protect(BASE, 2, Prot.RW);
            assertThat(user.layout()).containsExactly("256+2");
            assertThat(user.read(BASE)).isEqualTo(5);
        }
    }

    @Test
    void stopsAtTheMaximum() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.space().insert(null, 0, at(BASE), at(BASE + 4), Prot.READ, Prot.READ, 0);
            user.mapPrivate(BASE + 4, 4);
            assertThat(user.protect(BASE + 2, 4, Prot.RW)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            assertThat(user.entry(BASE + 4).prot()).as("all or nothing").isEqualTo(Prot.RW);
            assertThat(user.space().protectMax(at(BASE + 4), at(BASE + 8), Prot.READ))
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(user.entry(BASE + 4).prot()).isEqualTo(Prot.READ);
            assertThat(user.protect(BASE + 4, 4, Prot.RW)).isEqualTo(KernReturn.PROTECTION_FAILURE);
        }
    }

    @Test
    void writingAfterAForkNeedsAFaultThoughTheEntryAllowsIt() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 1);
            user.write(BASE, 1);
            User child = user.fork("b");
            assertThat(user.mapped()).containsExactly("256");
            user.protect(BASE, 1, Prot.READ);
            user.protect(BASE, 1, Prot.RW);
            user.write(BASE, 2);
            assertThat(child.read(BASE)).isEqualTo(1);
            assertThat(user.read(BASE)).isEqualTo(2);
        }
    }

    /** FreeBSD's mlock_test, copy_on_write_anon. */
    @Test
    void wiredAnonymousMemoryIsCopiedWhenItBecomesWriteable() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.mapPrivate(BASE, 2);
            user.write(BASE, 1);
            user.write(BASE + 1, 2);
            User child = user.fork("b");
            child.protect(BASE, 2, Prot.READ);
            assertThat(child.wire(BASE, 2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(child.protect(BASE, 2, Prot.RW)).isEqualTo(KernReturn.SUCCESS);
            long faults = child.space().faults().total();
            child.write(BASE, 10);
            assertThat(child.space().faults().total())
                    .as("wired memory does not fault")
                    .isEqualTo(faults);
            assertThat(child.read(BASE + 1)).isEqualTo(2);
            assertThat(user.read(BASE)).isEqualTo(1);
            assertThat(rig.resident(child.object(BASE), 0).wireCount()).isEqualTo(1);
            rig.assertSound();
            assertThat(child.unwire(BASE, 2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    /** FreeBSD's mlock_test, copy_on_write_vnode. */
    @Test
    void aWiredPrivateFileMappingIsCopiedWhenItBecomesWriteable() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            Vnode file = rig.file(2);
            user.mapFile(file, 0, BASE, 2, Prot.READ, true);
            assertThat(user.wire(BASE, 2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(user.protect(BASE, 2, Prot.RW)).isEqualTo(KernReturn.SUCCESS);
            user.writeByte(at(BASE), 0x77);
            assertThat(user.readByte(at(BASE) + 1)).isEqualTo(1);
            assertThat(rig.contents(file)[0]).isEqualTo((byte) 1);
            rig.assertSound();
            assertThat(user.unwire(BASE, 2)).isEqualTo(KernReturn.SUCCESS);
            assertThat(rig.pages.counts().wired()).isZero();
        }
    }

    @Test
    void aSubmapCannotBeProtected() {
        try (Rig rig = Rig.corrected()) {
            Space kernel = (Space) rig.table.kernelSpace();
            long start = kernel.min();
            assertThat(rig.table.kernelSubmap(start, start + at(16))).isNotNull();
            assertThat(kernel.protect(start, start + at(1), Prot.READ)).isEqualTo(KernReturn.INVALID_ARGUMENT);
        }
    }

    @Test
    void aWriteOnlyMappingMayBeReadOnceItIsMapped() {
        try (Rig rig = Rig.corrected()) {
            User user = rig.user("a");
            user.map(BASE, 1, Prot.WRITE, MapFlags.INHERIT_SHARE);
            assertThat(user.touch(BASE, Prot.READ)).isEqualTo(KernReturn.PROTECTION_FAILURE);
            user.write(BASE, 3);
            assertThat(user.read(BASE)).isEqualTo(3);
        }
    }
}
