// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

class VnodePagerTest {
    private static final int PAGE = PageSize.BYTES;

    private final FileMachine machine = new FileMachine();

    @AfterEach
    void everythingHolds() {
        machine.check();
        machine.close();
    }

    @Test
    void aVnodeHasOneObjectAsLargeAsTheFile() throws IOException {
        Vnode vnode = machine.wrap(MemoryFile.of("one", PAGE, new byte[29_562]));
        VmObject object = machine.object(vnode);
        assertThat(object.type()).isEqualTo(ObjectType.VNODE);
        assertThat(object.size()).isEqualTo(8);
        assertThat(object.refCount()).isEqualTo(1);
        assertThat(object.flags()).isZero();
        assertThat(vnode.useCount()).isEqualTo(2);
        assertThat(vnode.object()).isSameAs(object);
        assertThat(machine.object(vnode)).isSameAs(object);
        assertThat(object.refCount()).isEqualTo(2);
        assertThat(vnode.useCount()).isEqualTo(3);
        object.deallocate();
        object.deallocate();
        assertThat(object.refCount()).isZero();
        assertThat(vnode.useCount()).isEqualTo(1);
        assertThat(vnode.object()).isSameAs(object);
        assertThat(machine.object(vnode)).as("found again").isSameAs(object);
    }

    @Test
    void onlyVnodesThatAreThereHaveObjects() throws IOException {
        Vnode vnode = machine.wrap(MemoryFile.of("gone", PAGE, new byte[1]));
        machine.reclaim(vnode);
        assertThat(machine.pagers().allocate(ObjectType.VNODE, vnode, 1, Prot.READ, 0, null))
                .isNull();
        assertThat(machine.pagers().allocate(ObjectType.VNODE, "a name", 1, Prot.READ, 0, null))
                .isNull();
        assertThat(machine.pagers().allocate(ObjectType.VNODE, null, 1, Prot.READ, 0, null))
                .isNull();
        vnode.release();
    }

    @Test
    void manyThreadsGetTheSameObject() throws Exception {
        for (int round = 0; round < 50; round++) {
            Vnode vnode = machine.wrap(MemoryFile.of("raced", PAGE, new byte[1]));
            List<VmObject> got = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                threads.add(new Thread(() -> got.add(machine.object(vnode))));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(got).hasSize(4).containsOnly(vnode.object());
            assertThat(vnode.object().refCount()).isEqualTo(4);
            assertThat(vnode.useCount()).isEqualTo(5);
        }
    }

    @Test
    void reclaimingAnUnusedVnodeWritesAndEndsItsObject() throws IOException {
        MemoryFile file = MemoryFile.of("end", PAGE, new byte[3 * PAGE]);
        VmObject object = machine.objectOf(file);
        Vnode vnode = FileMachine.vnodeOf(object);
        long id = object.id();
        machine.store(object, 1, 5, new byte[] {42});
        object.deallocate();
        assertThat(vnode.useCount()).isZero();
        assertThat(vnode.holdCount()).isEqualTo(1);
        machine.reclaim(vnode);
        assertThat(vnode.holdCount()).isZero();
        assertThat(vnode.object()).isNull();
        assertThat(machine.objects.find(id)).isNull();
        assertThat(file.contents()[PAGE + 5]).isEqualTo((byte) 42);
        assertThat(file.closes()).isEqualTo(1);
    }

    @Test
    void reclaimingAVnodeInUseLeavesItsObjectDead() throws IOException {
        MemoryFile file = MemoryFile.of("dead", PAGE, new byte[3 * PAGE]);
        VmObject object = machine.objectOf(file);
        Vnode vnode = FileMachine.vnodeOf(object);
        object.reference();
        vnode.setText(true);
        vnode.addWriteMapping(object, 3 * PAGE);
        machine.store(object, 1, 5, new byte[] {42});
        machine.reclaim(vnode);
        assertThat(object.type()).isEqualTo(ObjectType.DEAD);
        assertThat(object.handle()).isNull();
        assertThat(object.refCount()).isEqualTo(2);
        assertThat(object.has(ObjectFlags.DEAD)).isFalse();
        assertThat(vnode.object()).isNull();
        assertThat(vnode.useCount()).isZero();
        assertThat(vnode.writeMappings()).isZero();
        assertThat(vnode.writeCount()).isZero();
        assertThat(vnode.text()).isFalse();
        assertThat(file.contents()[PAGE + 5]).isEqualTo((byte) 42);
        vnode.removeWriteMapping(object, 3 * PAGE);
        object.deallocate();
        object.deallocate();
        assertThat(vnode.holdCount()).isZero();
    }

    @Test
    void lettingGoWaitsForTransfersUnderWay() throws Exception {
        VmObject object = machine.objectOf(MemoryFile.of("busy", PAGE, new byte[PAGE]));
        Vnode vnode = FileMachine.vnodeOf(object);
        object.lock().lock();
        object.pipAdd(1);
        object.lock().unlock();
        Thread reclaimer = new Thread(() -> {
            vnode.lock().lock();
            object.lock().lock();
            machine.pager.deallocate(object);
            object.lock().unlock();
            vnode.lock().unlock();
        });
        reclaimer.start();
        while (!"vnpdea".equals(machine.machine.sleepQueue().waitMessage(reclaimer))) {
            Thread.onSpinWait();
        }
        assertThat(object.handle()).isSameAs(vnode);
        object.lock().lock();
        object.pipWakeup(1);
        object.lock().unlock();
        reclaimer.join();
        assertThat(object.handle()).isNull();
        assertThat(vnode.object()).isNull();
        assertThat(vnode.useCount()).isZero();
        object.deallocate();
    }

    @Test
    void anotherPagerTakesOverBetweenTwoFaults() throws IOException {
        byte[] contents = new byte[4 * PAGE];
        contents[2 * PAGE] = 7;
        VmObject object = machine.objectOf(MemoryFile.of("over", PAGE, contents));
        machine.store(object, 0, 0, new byte[] {1});
        machine.layer.remove(machine.pager);
        VnodePager second = new VnodePager(machine.machine, machine.memory(), machine.pages);
        machine.layer.add(second, 0);
        machine.layer.remove(second);
        machine.layer.add(machine.pager, 0);
        assertThat(machine.bytes(machine.fault(object, 2))[0]).isEqualTo((byte) 7);
        assertThat(object.sync(0, 4, true, false)).isTrue();
    }

    @Test
    void withoutAPagerNothingIsLost() throws IOException {
        MemoryFile file = MemoryFile.of("without", PAGE, new byte[4 * PAGE]);
        VmObject object = machine.objectOf(file);
        machine.store(object, 0, 0, new byte[] {1});
        machine.layer.remove(machine.pager);
        assertThat(object.sync(0, 4, true, false)).isFalse();
        object.lock().lock();
        object.pageRemove(1, 0, ObjectFlags.REMOVE_CLEANONLY);
        object.lock().unlock();
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> machine.fault(object, 3))
                .isInstanceOf(IOException.class);
        machine.layer.add(machine.pager, 0);
        assertThat(object.sync(0, 4, true, false)).isTrue();
        assertThat(file.contents()[0]).isEqualTo((byte) 1);
        assertThat(machine.bytes(machine.fault(object, 3))).isEqualTo(new byte[PAGE]);
    }
}
