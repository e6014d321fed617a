// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import static org.assertj.core.api.Assertions.assertThat;
import static penumbra.vm.map.Rig.at;

import org.junit.jupiter.api.Test;
import penumbra.hw.Prot;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;

/** The kernel's space and its submaps ({@code kmem_suballoc}, {@code vm_map_submap}). */
class KernelSpaceTest {
    @Test
    void aSubmapIsAWindowOnASpaceOfItsOwn() {
        try (Rig rig = Rig.corrected()) {
            Space kernel = (Space) rig.table.kernelSpace();
            long start = kernel.min() + at(16);
            Space exec = (Space) rig.table.kernelSubmap(start, start + at(8));
            assertThat(exec.min()).isEqualTo(start);
            assertThat(kernel.entries().get(0).submap()).isSameAs(exec);
            assertThat(exec.insert(null, 0, start + at(2), start + at(4), Prot.RW, Prot.ALL, 0))
                    .isEqualTo(KernReturn.SUCCESS);
            assertThat(kernel.fault(start + at(2), Prot.WRITE, 0)).isEqualTo(KernReturn.SUCCESS);
            assertThat(kernel.fault(start + at(4), Prot.READ, 0)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(exec.entries().get(0).object()).isNotNull();
            assertThat(rig.pmaps.kernel().extract(start + at(2))).isNotNegative();
            assertThat(exec.faults().zeroFill()).isEqualTo(1);
            exec.remove(exec.min(), exec.max());
            assertThat(rig.pmaps.kernel().extract(start + at(2))).isNegative();
        }
    }

    @Test
    void aSubmapNeedsRoom() {
        try (Rig rig = Rig.corrected()) {
            Space kernel = (Space) rig.table.kernelSpace();
            long start = kernel.min();
            assertThat(rig.table.kernelSubmap(start, start + at(8))).isNotNull();
            assertThat(rig.table.kernelSubmap(start + at(4), start + at(12))).isNull();
        }
    }

    @Test
    void onlyAnEmptyEntryBecomesASubmap() {
        try (Rig rig = Rig.corrected()) {
            Space space = rig.user("a").space();
            Space other = rig.user("b").space();
            space.insert(null, 0, at(256), at(260), Prot.RW, Prot.ALL, MapFlags.ACC_NO_CHARGE);
            space.insert(rig.objectOf(rig.file(4)), 0, at(270), at(274), Prot.READ, Prot.ALL, 0);
            assertThat(space.submap(at(270), at(274), other)).isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(space.submap(at(256), at(265), other))
                    .as("beyond the entry")
                    .isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(space.submap(at(256), at(260), space)).as("itself").isEqualTo(KernReturn.INVALID_ARGUMENT);
            assertThat(space.submap(at(256), at(260), other)).isEqualTo(KernReturn.SUCCESS);
            assertThat(space.submap(at(256), at(260), other)).as("twice").isEqualTo(KernReturn.INVALID_ARGUMENT);
            space.remove(at(256), at(260));
        }
    }

    @Test
    void kernelMemoryGoesWithItsRange() {
        try (Rig rig = Rig.corrected()) {
            Space kernel = (Space) rig.table.kernelSpace();
            VmObject object = rig.objects.kernelObject();
            long start = kernel.min() + at(100);
            object.reference();
            KernReturn mapped = kernel.insert(object, 100, start, start + at(3), Prot.RW, Prot.RW, 0);
            assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
            object.lock().lock();
            for (int i = 0; i < 3; i++) {
                Page page = rig.pages.grab(object, 100 + i, Alloc.WIRED | Alloc.ZERO);
                page.setValid(Page.ALL);
                kernel.pmap().enter(start + at(i), Prot.NONE, page, Prot.RW, true);
                page.xunbusy();
            }
            object.lock().unlock();
            assertThat(kernel.pmap().wiredCount()).isEqualTo(3);
            kernel.pmap().remove(start, start + at(3));
            object.lock().lock();
            for (int i = 0; i < 3; i++) {
                object.pages().lookup(100 + i).unwire(false);
            }
            object.lock().unlock();
            kernel.remove(start, start + at(3));
            assertThat(object.pages().count()).isZero();
        }
    }

    @Test
    void nothingComesIntoBeingInTheKernelByItself() {
        try (Rig rig = Rig.corrected()) {
            Space kernel = (Space) rig.table.kernelSpace();
            long start = kernel.min();
            kernel.insert(null, 0, start, start + at(2), Prot.RW, Prot.RW, MapFlags.ACC_NO_CHARGE);
            assertThat(kernel.fault(start, Prot.READ, 0)).isEqualTo(KernReturn.INVALID_ADDRESS);
            assertThat(kernel.entries().get(0).object()).isNull();
        }
    }
}
