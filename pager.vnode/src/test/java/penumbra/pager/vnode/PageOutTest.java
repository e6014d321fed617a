// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;
import penumbra.vnode.FaultyNode;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

class PageOutTest {
    private static final int PAGE = PageSize.BYTES;

    private FileMachine machine = new FileMachine();

    @AfterEach
    void everythingHolds() {
        machine.check();
        machine.close();
    }

    private void follow(Fidelity fidelity) {
        machine.close();
        machine = new FileMachine(fidelity);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private boolean sync(VmObject object) {
        return object.sync(0, object.size(), true, false);
    }

    private static boolean mightBeDirty(VmObject object) {
        object.lock().lock();
        try {
            return object.has(ObjectFlags.MIGHTBEDIRTY);
        } finally {
            object.lock().unlock();
        }
    }

    @Test
    void dirtyPagesReachTheFileInOneWrite() throws IOException {
        byte[] expected = random(16 * PAGE);
        MemoryFile file = MemoryFile.of("out", PAGE, expected);
        VmObject object = machine.objectOf(file);
        for (int i = 0; i < 16; i++) {
            byte[] change = {(byte) i, 2, 3};
            machine.store(object, i, 100, change);
            System.arraycopy(change, 0, expected, i * PAGE + 100, 3);
        }
        int before = file.transfers();
        assertThat(sync(object)).isTrue();
        assertThat(file.transfers() - before).isEqualTo(1);
        assertThat(file.contents()).isEqualTo(expected);
        for (int i = 0; i < 16; i++) {
            assertThat(machine.resident(object, i).dirty()).isZero();
        }
        assertThat(mightBeDirty(object)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void whatLiesBehindTheEndIsNotWritten(Fidelity fidelity) throws IOException {
        follow(fidelity);
        byte[] expected = random(PAGE + 890);
        MemoryFile file = MemoryFile.of("odd", PAGE, expected);
        VmObject object = machine.objectOf(file);
        byte[] garbage = new byte[PAGE];
        Arrays.fill(garbage, (byte) 7);
        machine.store(object, 1, 0, garbage);
        assertThat(sync(object)).isTrue();
        Arrays.fill(expected, PAGE, PAGE + 890, (byte) 7);
        assertThat(file.size()).isEqualTo(PAGE + 890);
        assertThat(file.contents()).isEqualTo(expected);
        assertThat(machine.resident(object, 1).dirty()).isZero();
        assertThat(machine.bytes(machine.fault(object, 1)))
                .as("while it is in memory")
                .isEqualTo(garbage);
        object.lock().lock();
        object.pageRemove(0, 0, 0);
        object.lock().unlock();
        assertThat(machine.bytes(machine.fault(object, 1)))
                .as("read again")
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(expected, PAGE, PAGE + 890), PAGE));
    }

    @Test
    void originalSaysThatAllIsWellWhenAWriteFailed() throws IOException {
        follow(Fidelity.ORIGINAL);
        FaultyNode node = new FaultyNode(MemoryFile.of("fail", PAGE, new byte[2 * PAGE + 1_699]));
        VmObject object = machine.objectOf(node);
        for (int i = 0; i < 3; i++) {
            machine.store(object, i, 0, new byte[] {1});
        }
        node.failOnce(1);
        assertThat(sync(object)).isTrue();
        assertThat(mightBeDirty(object)).isFalse();
        assertThat(machine.resident(object, 0).dirty()).isEqualTo(Page.ALL);
        assertThat(machine.resident(object, 1).dirty()).isEqualTo(Page.ALL);
        assertThat(machine.resident(object, 2).dirty())
                .as("without the block that holds the end")
                .isEqualTo(0b111);
    }

    @Test
    void correctedReportsAFailedWriteAndKeepsEveryDirtyByte() throws IOException {
        MemoryFile file = MemoryFile.of("fail", PAGE, new byte[2 * PAGE + 1_699]);
        FaultyNode node = new FaultyNode(file);
        VmObject object = machine.objectOf(node);
        for (int i = 0; i < 3; i++) {
            machine.store(object, i, 1_600, new byte[] {1});
        }
        node.failOnce(1);
        assertThat(sync(object)).isFalse();
        assertThat(mightBeDirty(object)).isTrue();
        assertThat(machine.resident(object, 1).dirty()).isEqualTo(Page.ALL);
        assertThat(machine.resident(object, 2).dirty())
                .as("with the block that holds the end")
                .isEqualTo(0b1111);
        assertThat(file.contents()).isEqualTo(new byte[2 * PAGE + 1_699]);
        assertThat(sync(object)).isTrue();
        assertThat(file.contents()[2 * PAGE + 1_600]).isEqualTo((byte) 1);
        assertThat(machine.resident(object, 2).dirty()).isZero();
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void aFullDiskTakesWholeBlocks(Fidelity fidelity) throws IOException {
        follow(fidelity);
        MemoryFile file = MemoryFile.of("full", PAGE, new byte[4 * PAGE]);
        FaultyNode node = new FaultyNode(file);
        VmObject object = machine.objectOf(node);
        byte[] change = new byte[PAGE];
        Arrays.fill(change, (byte) 9);
        for (int i = 0; i < 4; i++) {
            machine.store(object, i, 0, change);
        }
        node.setRoom(PAGE + 1_100);
        assertThat(sync(object)).isEqualTo(!fidelity.corrected());
        assertThat(machine.resident(object, 0).dirty()).isZero();
        assertThat(machine.resident(object, 1).dirty()).isEqualTo(0b1111_1100);
        assertThat(machine.resident(object, 2).dirty()).isEqualTo(Page.ALL);
        assertThat(mightBeDirty(object)).isEqualTo(fidelity.corrected());
        node.heal();
        object.lock().lock();
        object.setWriteableDirty();
        object.lock().unlock();
        assertThat(sync(object)).isTrue();
        byte[] expected = new byte[4 * PAGE];
        Arrays.fill(expected, (byte) 9);
        assertThat(file.contents()).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(Fidelity.class)
    void aShortWriteIsNotContinued(Fidelity fidelity) throws IOException {
        follow(fidelity);
        MemoryFile file = MemoryFile.of("short", PAGE, new byte[3 * PAGE]);
        FaultyNode node = new FaultyNode(file);
        VmObject object = machine.objectOf(node);
        for (int i = 0; i < 3; i++) {
            machine.store(object, i, 0, new byte[] {5});
        }
        node.shortenNextWrite(PAGE);
        assertThat(sync(object)).isEqualTo(!fidelity.corrected());
        assertThat(machine.resident(object, 0).dirty()).isZero();
        assertThat(machine.resident(object, 1).dirty()).isEqualTo(Page.ALL);
        assertThat(file.contents()[0]).isEqualTo((byte) 5);
        assertThat(file.contents()[PAGE]).isZero();
    }

    @Test
    void whicheverWriteFailsNothingIsLost() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        boolean clean = false;
        int n = 0;
        while (!clean) {
            MemoryFile file = MemoryFile.of("faulty", PAGE, new byte[40 * PAGE + 77]);
            FaultyNode node = new FaultyNode(file);
            VmObject object = machine.objectOf(node);
            Random random = new Random(seed);
            byte[] expected = new byte[40 * PAGE + 77];
            for (int i = 0; i < 41; i++) {
                if (random.nextInt(4) > 0) {
                    byte[] change = new byte[70];
                    random.nextBytes(change);
                    machine.store(object, i, 0, change);
                    System.arraycopy(change, 0, expected, i * PAGE, 70);
                }
            }
            node.failOnce(++n);
            boolean reported = !sync(object);
            clean = node.failures() == 0;
            assertThat(reported).isEqualTo(!clean);
            if (reported) {
                assertThat(sync(object)).isTrue();
            }
            assertThat(file.contents()).isEqualTo(expected);
            machine.reclaim(FileMachine.vnodeOf(object));
            object.deallocate();
        }
        assertThat(n).isGreaterThan(2);
    }

    @Test
    void afterAFailedFsyncNoSyncSucceeds() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("fsync", PAGE, new byte[PAGE]));
        VmObject object = machine.objectOf(node);
        machine.store(object, 0, 0, new byte[] {1});
        node.failFsync();
        assertThat(sync(object)).isFalse();
        node.heal();
        assertThat(sync(object)).as("with nothing dirty").isFalse();
        machine.store(object, 0, 0, new byte[] {2});
        assertThat(sync(object)).as("with something dirty").isFalse();
        assertThat(object.sync(0, 1, true, true)).as("of a part, invalidating").isFalse();
        assertThat(FileMachine.vnodeOf(object).writesLost()).isTrue();
    }

    @Test
    void aClusterThatCannotBeMadeDurableStaysDirty() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("fsync", PAGE, new byte[2 * PAGE]));
        VmObject object = machine.objectOf(node);
        machine.store(object, 0, 0, new byte[] {1});
        node.failFsync();
        object.lock().lock();
        assertThat(object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC)).isFalse();
        object.lock().unlock();
        assertThat(machine.resident(object, 0).dirty()).isEqualTo(Page.ALL);
        assertThat(mightBeDirty(object)).isTrue();
    }

    @Test
    void aStoreThroughAMappingIsSeenAndTheMappingProtected() throws IOException {
        MemoryFile file = MemoryFile.of("mapped", PAGE, new byte[PAGE]);
        VmObject object = machine.objectOf(file);
        Page page = machine.fault(object, 0);
        Pmap pmap = machine.map(object, page);
        machine.memory().store(page.frame(), 8, 8, 0x1122334455667788L);
        assertThat(page.dirty()).isZero();
        assertThat(sync(object)).isTrue();
        assertThat(ByteBuffer.wrap(file.contents()).getLong(8)).isEqualTo(0x8877665544332211L);
        assertThat(pmap.protection(0) & penumbra.hw.Prot.WRITE).isZero();
        pmap.remove(0, PAGE);
        pmap.release();
    }

    @Test
    void aWriteNeverWaitsForTheVnodeLock() throws Exception {
        VmObject object = machine.objectOf(MemoryFile.of("locked", PAGE, new byte[2 * PAGE]));
        machine.store(object, 0, 0, new byte[] {1});
        machine.store(object, 1, 0, new byte[] {1});
        Vnode vnode = FileMachine.vnodeOf(object);
        CountDownLatch locked = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        Thread holder = new Thread(() -> {
            vnode.lock().lock();
            locked.countDown();
            awaitQuietly(done);
            vnode.lock().unlock();
        });
        holder.start();
        locked.await();
        assertThat(put(object)).containsOnly(PagerResult.AGAIN);
        assertThat(machine.resident(object, 0).dirty()).isEqualTo(Page.ALL);
        done.countDown();
        holder.join();
        assertThat(put(object)).containsOnly(PagerResult.OK);
        assertThat(vnode.lock().isHeld()).isFalse();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Writes the first two pages as the page daemon does. */
    private PagerResult[] put(VmObject object) {
        object.lock().lock();
        Page[] run = {object.pages().lookup(0), object.pages().lookup(1)};
        PagerResult[] results = new PagerResult[2];
        for (Page page : run) {
            page.sbusy();
            machine.pmaps.removeWrite(page);
        }
        object.pipAdd(2);
        machine.pagers().putPages(object, run, 2, PagerFlags.CLUSTER_OK, results);
        object.pipWakeup(2);
        for (Page page : run) {
            page.sunbusy();
        }
        object.lock().unlock();
        return results;
    }

    @Test
    void pagesBehindTheEndAreBad() throws IOException {
        MemoryFile file = MemoryFile.of("bad", PAGE, new byte[2 * PAGE]);
        VmObject object = machine.objectOf(file);
        machine.store(object, 0, 0, new byte[] {1});
        machine.store(object, 1, 0, new byte[] {1});
        Vnode vnode = FileMachine.vnodeOf(object);
        vnode.lock().lock();
        vnode.setSize(100);
        vnode.lock().unlock();
        assertThat(put(object)).containsExactly(PagerResult.OK, PagerResult.BAD);
        assertThat(file.contents()[PAGE]).isZero();
        vnode.lock().lock();
        vnode.setSize(2 * PAGE);
        vnode.lock().unlock();
    }

    @Test
    void hostFilesAreWrittenInPlace(@TempDir java.nio.file.Path directory) throws IOException {
        byte[] expected = random(3 * PAGE + 5);
        java.nio.file.Path path = java.nio.file.Files.write(directory.resolve("file"), expected);
        Vnode vnode = machine.vnodes.open("host", path.toString(), true);
        VmObject object = machine.object(vnode);
        vnode.release();
        machine.store(object, 3, 0, new byte[] {1, 2, 3, 4, 5, 6, 7});
        machine.store(object, 1, 4_000, new byte[] {8});
        assertThat(sync(object)).isTrue();
        System.arraycopy(new byte[] {1, 2, 3, 4, 5}, 0, expected, 3 * PAGE, 5);
        expected[PAGE + 4_000] = 8;
        assertThat(java.nio.file.Files.readAllBytes(path)).isEqualTo(expected);
    }

    @Test
    void aFileOpenedForReadingIsNeverWritten(@TempDir java.nio.file.Path directory) throws IOException {
        byte[] contents = random(PAGE);
        java.nio.file.Path path = java.nio.file.Files.write(directory.resolve("file"), contents);
        Vnode vnode = machine.vnodes.open("host", path.toString(), false);
        VmObject object = machine.object(vnode);
        vnode.release();
        machine.store(object, 0, 0, new byte[] {1, 2, 3});
        assertThat(sync(object)).isFalse();
        machine.reclaim(vnode);
        object.deallocate();
        assertThat(java.nio.file.Files.readAllBytes(path)).isEqualTo(contents);
    }
}
