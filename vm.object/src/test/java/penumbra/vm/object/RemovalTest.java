// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.vnode.HeapFile;

/** vm_object_page_remove, vm_object_page_cache and vm_object_populate. */
class RemovalTest {
    private static final int CLEANONLY = ObjectFlags.REMOVE_CLEANONLY;
    private static final int NOTMAPPED = ObjectFlags.REMOVE_NOTMAPPED;
    private static final int NOTWIRED = ObjectFlags.REMOVE_NOTWIRED;

    private Rig rig = Rig.stepped(Fidelity.CORRECTED);
    private MemoryObject object = rig.anonymous(8);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void remove(long start, long end, int options) {
        rig.locked(object, () -> object.pageRemove(start, end, options));
    }

    private void wire(Page page) {
        rig.locked(object, page::wire);
    }

    @Test
    void removeFreesARange() {
        for (int i = 0; i < 8; i++) {
            rig.fill(object, i, 10 + i);
        }
        int free = rig.pages.counts().free();

        remove(2, 5, 0);
        assertThat(rig.contents(object)).containsExactly("0=10", "1=11", "5=15", "6=16", "7=17");
        remove(6, 0, 0);

        assertThat(rig.contents(object)).containsExactly("0=10", "1=11", "5=15");
        assertThat(rig.pages.counts().free()).isEqualTo(free + 5);
        assertThat(object.pagingInProgress()).isZero();
    }

    @Test
    void removeTakesMappingsAway() {
        Page page = rig.fill(object, 1, 11);
        var pmap = rig.map(page, 256, false);

        remove(0, 0, 0);

        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(-1);
        assertThat(rig.contents(object)).isEmpty();
    }

    @Test
    void cleanonlySparesDirtyPagesAndThoseTheHardwareDirtied() {
        rig.fill(object, 0, 10);
        rig.fill(object, 1, 11, false);
        Page mapped = rig.fill(object, 2, 12, false);
        rig.map(mapped, 256, false);
        rig.invalid(object, 3);

        remove(0, 0, CLEANONLY);

        assertThat(rig.contents(object)).containsExactly("0=10", "2=12");
    }

    @Test
    void wiringsByMappingsEndWithThemInTheOriginal() {
        rig.close();
        rig = Rig.stepped(Fidelity.ORIGINAL);
        object = rig.anonymous(8);
        int wiredPages = rig.pages.counts().wired();
        Page page = rig.fill(object, 1, 11);
        wire(page);
        var pmap = rig.map(page, 256, true);

        remove(0, 0, 0);

        assertThat(rig.contents(object)).isEmpty();
        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(-1);
        assertThat(rig.pages.counts().wired()).isEqualTo(wiredPages);
    }

    @Test
    void whatIsWiredByMappingsLosesItsContentsAndStaysUntilItIsUnwired() {
        Page page = rig.fill(object, 1, 11);
        wire(page);
        var pmap = rig.map(page, 256, true);

        remove(0, 0, 0);

        assertThat(rig.contents(object)).containsExactly("1=invalid");
        assertThat(page.dirty()).isZero();
        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(-1);
        rig.locked(object, () -> page.unwire(false));
        remove(0, 0, 0);
        assertThat(rig.contents(object)).isEmpty();
    }

    @Test
    void notwiredSparesPagesWiredByMappings() {
        Page page = rig.fill(object, 1, 11);
        wire(page);
        rig.map(page, 256, true);

        remove(0, 0, NOTWIRED);

        assertThat(rig.contents(object)).containsExactly("1=11");
        assertThat(page.dirty()).isEqualTo(Page.ALL);
    }

    @Test
    void otherWiringsKeepThePageWithoutItsContents() {
        Page page = rig.fill(object, 1, 11);
        wire(page);
        wire(page);
        var pmap = rig.map(page, 256, true);

        remove(0, 0, 0);

        assertThat(page.owner()).isSameAs(object);
        assertThat(page.valid()).isZero();
        assertThat(page.dirty()).isZero();
        assertThat(page.wireCount()).isEqualTo(1);
        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(-1);
        assertThat(rig.pages.counts().wired()).isEqualTo(1);
    }

    @Test
    void otherWiringsAndCleanonlyKeepTheContentsToo() {
        Page page = rig.fill(object, 1, 11);
        wire(page);

        remove(0, 0, CLEANONLY);

        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(page.dirty()).isEqualTo(Page.ALL);
    }

    @Test
    void otherWiringsAndNotwiredKeepTheMappings() {
        Page page = rig.fill(object, 1, 11);
        wire(page);
        var pmap = rig.map(page, 256, false);

        remove(0, 0, NOTWIRED);

        assertThat(pmap.extract(PageSize.bytes(256))).isEqualTo(page.frame());
        assertThat(page.valid()).isZero();
    }

    @Test
    void removeDropsCachedPages() {
        rig.fill(object, 0, 10);
        rig.fill(object, 3, 13);
        rig.pageOut(object, 0, 1);
        rig.pageOut(object, 3, 1);
        rig.locked(object, () -> object.pageCache(0, 0));
        assertThat(rig.pages.counts().cache()).isEqualTo(2);

        remove(1, 4, 0);
        assertThat(rig.pages.counts().cache()).isEqualTo(1);
        remove(0, 0, 0);

        assertThat(rig.pages.counts().cache()).isZero();
    }

    @Test
    void removeWaitsForExclusiveBusyPages() {
        Page page = rig.fill(object, 1, 11);
        rig.locked(object, page::xbusy);

        rig.assertThrown(() -> remove(0, 0, 0)).isInstanceOf(WouldBlock.class).hasMessageContaining("vmopax");
    }

    @Test
    void removeWaitsForSharedBusyPages() {
        Page page = rig.fill(object, 1, 11);
        rig.locked(object, page::sbusy);

        rig.assertThrown(() -> remove(0, 0, 0)).isInstanceOf(WouldBlock.class).hasMessageContaining("vmopar");
    }

    @Test
    void removeInvalidatesSharedBusyWiredPagesAtOnce() {
        Page page = rig.fill(object, 1, 11);
        wire(page);
        rig.locked(object, page::sbusy);

        remove(0, 0, 0);

        assertThat(page.valid()).isZero();
    }

    @Test
    void unmanagedPagesNeedTheRightOptions() {
        for (int options : new int[] {0, CLEANONLY, CLEANONLY | NOTMAPPED, NOTWIRED}) {
            MemoryObject kernel = rig.object(ObjectType.PHYS, 4);
            rig.assertThrown(() -> rig.locked(kernel, () -> kernel.pageRemove(0, 0, options)))
                    .isInstanceOf(KernelPanic.class);
        }
        MemoryObject kernel = rig.object(ObjectType.PHYS, 4);
        rig.locked(kernel, () -> kernel.pageRemove(0, 0, NOTMAPPED));
    }

    @Test
    void theKernelsPagesAreFreedUnmapped() {
        MemoryObject kernel = (MemoryObject) rig.core.kernelObject();
        int free = rig.pages.counts().free();
        rig.locked(kernel, () -> {
            Page page = rig.pages.grab(kernel, 5, Alloc.NORMAL);
            page.xunbusy();
            kernel.pageRemove(5, 6, NOTMAPPED);
        });

        assertThat(rig.pages.counts().free()).isEqualTo(free);
    }

    // vm_object_page_cache

    @Test
    void cacheTakesCleanPagesInNobodysWay() {
        for (int i = 0; i < 5; i++) {
            rig.fill(object, i, 10 + i);
        }
        rig.pageOut(object, 0, 5);
        Page wired = rig.lookup(object, 1);
        wire(wired);
        Page busy = rig.lookup(object, 2);
        rig.locked(object, busy::sbusy);
        Page mapped = rig.lookup(object, 3);
        rig.fill(object, 7, 17);

        rig.locked(object, () -> object.pageCache(0, 4));

        assertThat(rig.contents(object)).containsExactly("1=11", "2=12", "4=14", "7=17");
        assertThat(rig.pages.counts().cache()).isEqualTo(2);
        assertThat(mapped.owner()).isNotNull();
        rig.locked(object, busy::sunbusy);
    }

    @Test
    void cacheIsForManagedMemory() {
        for (ObjectType type : new ObjectType[] {ObjectType.PHYS, ObjectType.MGTDEVICE, ObjectType.DEVICE}) {
            MemoryObject odd = rig.object(type, 4);
            rig.assertThrown(() -> rig.locked(odd, () -> odd.pageCache(0, 0))).isInstanceOf(KernelPanic.class);
        }
    }

    // vm_object_populate

    @Test
    void populateReadsWhatIsMissing() {
        HeapFile contents = new HeapFile(6);
        for (int i = 0; i < 6; i++) {
            contents.contents[(i + 1) * PageSize.BYTES - 8] = (byte) (20 + i);
        }
        MemoryObject file = rig.fileObject(rig.file(contents));
        rig.fill(file, 2, 99, false);

        rig.locked(file, () -> assertThat(file.populate(1, 5)).isTrue());

        assertThat(rig.contents(file)).containsExactly("1=21", "2=99", "3=23", "4=24");
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void populateStopsAtTheFirstFailure() {
        MemoryObject file = rig.fileObject(rig.file(6));
        rig.fill(file, 0, 10, false);
        rig.files.readResult = penumbra.pager.PagerResult.ERROR;

        rig.locked(file, () -> assertThat(file.populate(0, 5)).isFalse());

        assertThat(rig.contents(file)).containsExactly("0=10");
        assertThat(rig.violations().messages()).isEmpty();
    }
}
