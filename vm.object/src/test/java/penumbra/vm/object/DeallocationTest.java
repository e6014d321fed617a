// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.WouldBlock;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.page.Page;
import penumbra.vnode.HeapFile;
import penumbra.vnode.Vnode;

/** vm_object_deallocate, vndeallocate, terminate and destroy. */
class DeallocationTest {
    private final Rig rig = Rig.stepped(Fidelity.ORIGINAL);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    @Test
    void theLastReferenceFreesPagesSwapAndCharge() {
        int free = rig.pages.counts().free();
        long slots = rig.swap.available();
        MemoryObject object = rig.charged(6);
        rig.fill(object, 0, 10);
        rig.fill(object, 1, 11);
        rig.fill(object, 5, 15);
        rig.pageOut(object, 0, 2);
        rig.evict(object, 1);

        object.deallocate();

        assertThat(rig.core.find(1)).isNull();
        assertThat(rig.pages.counts().free()).isEqualTo(free);
        assertThat(rig.swap.available()).isEqualTo(slots);
        assertThat(rig.accounting.reserved()).isZero();
    }

    @Test
    void oneReferenceTooManyIsAPanic() {
        MemoryObject object = rig.fileObject(rig.file(1));
        object.deallocate();
        rig.assertThrown(object::deallocate).isInstanceOf(KernelPanic.class).hasMessageContaining("too many times");
    }

    @Test
    void theLastButOneMarksPlainMemoryAsMappedOnce() {
        MemoryObject object = rig.anonymous(1);
        object.reference();
        object.reference();
        rig.locked(object, () -> object.clearFlag(ObjectFlags.ONEMAPPING));

        object.deallocate();
        assertThat(object.has(ObjectFlags.ONEMAPPING)).isFalse();
        object.deallocate();

        assertThat(object.has(ObjectFlags.ONEMAPPING)).isTrue();
    }

    @Test
    void theLastButOneLeavesObjectsWithAHandleAlone() {
        MemoryObject object = rig.anonymous(1);
        object.reference();
        rig.locked(object, () -> {
            object.clearFlag(ObjectFlags.ONEMAPPING);
            object.setHandle("shared memory");
        });

        object.deallocate();

        assertThat(object.has(ObjectFlags.ONEMAPPING)).isFalse();
    }

    @Test
    void theOnlyShadowSwallowsTheObject() {
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject middle = rig.shadowOf(bottom, 0, 4);
        bottom.deallocate();
        rig.fill(bottom, 0, 10);
        MemoryObject top = rig.shadowOf(middle, 0, 4);
        rig.fill(middle, 1, 21);

        middle.deallocate();

        assertThat(rig.contents(top)).containsExactly("0=10", "1=21");
        assertThat(top.backing()).isNull();
        assertThat(top.refCount()).isEqualTo(1);
        assertThat(rig.core.collapses()).isEqualTo(2);
        assertThat(rig.violations().messages()).isEmpty();
    }

    @Test
    void aDyingShadowIsNotCollapsedInto() {
        MemoryObject object = rig.anonymous(4);
        MemoryObject shadow = rig.shadowOf(object, 0, 4);
        rig.locked(shadow, () -> {
            shadow.setFlag(ObjectFlags.DEAD);
            shadow.forgetReference();
        });

        object.deallocate();

        assertThat(shadow.backing()).isSameAs(object);
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(rig.core.collapses()).isZero();
    }

    @Test
    void twoShadowsKeepTheObject() {
        MemoryObject object = rig.anonymous(4);
        MemoryObject one = rig.shadowOf(object, 0, 4);
        MemoryObject two = rig.shadowOf(object, 0, 4);
        object.deallocate();
        assertThat(object.refCount()).isEqualTo(2);
        rig.fill(object, 3, 13);

        one.deallocate();

        assertThat(two.backing()).isNull();
        assertThat(rig.contents(two)).containsExactly("3=13");
    }

    @Test
    void aWholeChainGoesWithItsTop() {
        MemoryObject bottom = rig.anonymous(4);
        MemoryObject middle = rig.shadowOf(bottom, 0, 4);
        MemoryObject top = rig.shadowOf(middle, 0, 4);
        rig.locked(bottom, () -> bottom.setHandle("keeps the chain from collapsing"));
        rig.locked(middle, () -> middle.setHandle("so does this"));
        bottom.deallocate();
        middle.deallocate();
        rig.fill(bottom, 0, 1);
        rig.fill(middle, 1, 2);
        int free = rig.pages.counts().free();

        top.deallocate();

        assertThat(rig.core.find(1)).isNull();
        assertThat(rig.core.find(2)).isNull();
        assertThat(rig.core.find(3)).isNull();
        assertThat(rig.pages.counts().free()).isEqualTo(free + 2);
    }

    @Test
    void pagingInTheShadowHasToEndFirst() {
        MemoryObject object = rig.anonymous(4);
        MemoryObject shadow = rig.shadowOf(object, 0, 4);
        rig.locked(shadow, () -> shadow.pipAdd(1));

        rig.assertThrown(object::deallocate).isInstanceOf(WouldBlock.class).hasMessageContaining("objde1");
    }

    @Test
    void pagingInTheObjectHasToEndFirst() {
        MemoryObject object = rig.anonymous(4);
        rig.shadowOf(object, 0, 4);
        rig.locked(object, () -> object.pipAdd(1));

        rig.assertThrown(object::deallocate).isInstanceOf(WouldBlock.class).hasMessageContaining("objde2");
    }

    @Test
    void wiredPagesOutliveTheObject() {
        MemoryObject object = rig.anonymous(4);
        Page wired = rig.fill(object, 0, 10);
        rig.fill(object, 1, 11);
        rig.locked(object, wired::wire);
        int free = rig.pages.counts().free();
        int wiredPages = rig.pages.counts().wired();

        object.deallocate();

        assertThat(wired.owner()).isNull();
        assertThat(wired.wireCount()).isEqualTo(1);
        assertThat(rig.pages.counts().free()).isEqualTo(free + 1);
        assertThat(rig.pages.counts().wired()).isEqualTo(wiredPages);
    }

    @Test
    void cachedPagesGoWithTheObject() {
        MemoryObject object = rig.anonymous(4);
        rig.fill(object, 0, 10);
        rig.pageOut(object, 0, 1);
        rig.locked(object, () -> object.pageCache(0, 0));
        assertThat(rig.pages.counts().cache()).isEqualTo(1);

        object.deallocate();

        assertThat(rig.pages.counts().cache()).isZero();
    }

    @Test
    void reservationsGoWithTheObject() {
        int free = rig.pages.counts().free();
        MemoryObject object = rig.anonymous(1024);
        rig.locked(object, () -> object.setColor(0));
        rig.fill(object, 3, 13);
        assertThat(object.pages().reservationsEmpty()).isFalse();

        object.deallocate();

        assertThat(rig.pages.counts().free()).isEqualTo(free);
    }

    @Test
    void aFileObjectStaysUntilItsVnodeGoes() {
        Vnode file = rig.file(4);
        MemoryObject object = rig.fileObject(file);
        object.reference();
        int uses = file.useCount();
        int holds = file.holdCount();
        file.setText(true);

        object.deallocate();
        assertThat(file.useCount()).isEqualTo(uses - 1);
        assertThat(file.text()).isTrue();
        object.deallocate();

        assertThat(object.refCount()).isZero();
        assertThat(file.useCount()).isEqualTo(uses - 2);
        assertThat(file.holdCount()).isEqualTo(holds);
        assertThat(file.text()).isFalse();
        assertThat(file.lock().isHeld()).isFalse();
        assertThat(rig.core.find(object.id())).isSameAs(object);
    }

    @Test
    void terminateWritesAFilesDirtyPages() {
        HeapFile contents = new HeapFile(4);
        Vnode file = rig.file(contents);
        MemoryObject object = rig.fileObject(file);
        int holds = file.holdCount();
        rig.fill(object, 2, 77);
        assertThat(file.holdCount()).isEqualTo(holds + 1);
        object.deallocate();

        file.lock().lock();
        rig.vnodes.reclaim(file);
        file.lock().unlock();

        assertThat(contents.contents[2 * 4096]).isEqualTo((byte) 77);
        assertThat(rig.core.find(1)).isNull();
        assertThat(file.holdCount()).isEqualTo(holds);
    }

    @Test
    void aFileObjectThatLostItsVnodeEndsLikeMemory() {
        Vnode file = rig.file(4);
        MemoryObject object = rig.fileObject(file);
        rig.fill(object, 0, 10, false);
        int holds = file.holdCount();
        file.lock().lock();
        rig.vnodes.reclaim(file);
        file.lock().unlock();
        assertThat(object.type()).isEqualTo(ObjectType.DEAD);

        object.deallocate();

        assertThat(rig.core.find(1)).isNull();
        assertThat(file.holdCount()).isEqualTo(holds - 1);
    }

    @Test
    void defect4TheHoldOnATmpfsVnodeEndsAfterItsLock() {
        Vnode file = rig.file(1);
        MemoryObject object = tmpfs(file);
        object.reference();
        int holds = file.holdCount();
        file.setText(true);

        object.deallocate();

        assertThat(file.text()).isFalse();
        assertThat(file.holdCount()).isEqualTo(holds);
        assertThat(file.lock().isHeld()).isFalse();
        assertThat(object.has(ObjectFlags.ONEMAPPING)).isFalse();
        assertThat(object.refCount()).isEqualTo(1);
    }

    private MemoryObject tmpfs(Vnode file) {
        MemoryObject object = (MemoryObject) rig.pagers.allocate(ObjectType.SWAP, null, 4096, 3, 0, null);
        rig.locked(object, () -> {
            object.clearFlag(ObjectFlags.ONEMAPPING);
            object.setTmpfsNode(file);
            object.setFlag(ObjectFlags.TMPFS | ObjectFlags.NOSPLIT);
        });
        return object;
    }

    @Test
    void aTmpfsObjectIsNeverShadowed() {
        MemoryObject object = tmpfs(rig.file(1));
        rig.shadowOf(object, 0, 1);

        rig.assertThrown(object::deallocate).isInstanceOf(KernelPanic.class).hasMessageContaining("tmpfs");
    }

    @Test
    void terminateWaitsForPaging() {
        MemoryObject object = rig.anonymous(1);
        rig.locked(object, () -> object.pipAdd(1));

        rig.assertThrown(object::deallocate).isInstanceOf(WouldBlock.class).hasMessageContaining("objtrm");
    }
}
