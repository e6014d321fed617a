// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import penumbra.inspect.Violations;
import penumbra.kern.KernelPanic;
import penumbra.object.VmObject;
import penumbra.vnode.FaultyNode;
import penumbra.vnode.FileSystemAway;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

class VnodeTableTest {
    private final Doubles doubles = new Doubles();
    private final MemoryFiles files = new MemoryFiles("memory");
    private VnodeTable table = table(100);

    private VnodeTable table(int unused) {
        VnodeTable made = new VnodeTable(doubles.machine(), doubles.pagers(), unused, 0);
        made.addFileSystem(files);
        return made;
    }

    // Opening

    @Test
    void theSameFileIsTheSameVnode() throws IOException {
        files.create("/a", new byte[10]);
        files.link("/a", "/b");
        files.create("/c", new byte[10]);
        Vnode a = table.open("memory", "/a", false);
        assertThat(a.useCount()).isEqualTo(1);
        assertThat(a.size()).isEqualTo(10);
        assertThat(table.open("memory", "/b", false)).isSameAs(a);
        assertThat(a.useCount()).isEqualTo(2);
        assertThat(table.open("memory", "/c", false)).isNotSameAs(a);
        assertThat(table.all()).hasSize(2);
        assertThat(files.open).hasValue(2);
    }

    @Test
    void anUnusedVnodeIsFoundAgainAsItWas() throws IOException {
        files.create("/a", new byte[10]);
        Vnode a = table.open("memory", "/a", false);
        a.release();
        assertThat(a.useCount()).isZero();
        assertThat(table.open("memory", "/a", false)).isSameAs(a);
        assertThat(files.opened).hasValue(1);
    }

    @Test
    void anUnusedVnodeWhoseFileChangedIsNotFoundAgain() throws IOException {
        MemoryFile file = files.create("/a", new byte[10]);
        Vnode a = table.open("memory", "/a", false);
        VmObject object = doubles.object(a, 0);
        file.put(0, new byte[20]);
        assertThat(table.open("memory", "/a", false)).as("in use").isSameAs(a);
        a.release();
        a.release();
        Vnode again = table.open("memory", "/a", false);
        assertThat(again).isNotSameAs(a);
        assertThat(again.size()).isEqualTo(20);
        assertThat(a.doomed()).isTrue();
        assertThat(object).isNotNull();
        assertThat(doubles.calls).containsExactly("terminate");
        assertThat(files.open).hasValue(1);
    }

    @Test
    void anUnusedVnodeThatWroteItsFileIsReadAfresh() throws IOException {
        files.create("/a", new byte[10]);
        Vnode a = table.open("memory", "/a", true);
        a.node().write(0, ByteBuffer.wrap(new byte[30]));
        a.release();
        Vnode again = table.open("memory", "/a", true);
        assertThat(again).isNotSameAs(a);
        assertThat(again.size()).isEqualTo(30);
    }

    @Test
    void aVnodeBecomesWritableWhenAsked() throws IOException {
        files.create("/a", new byte[10]);
        Vnode a = table.open("memory", "/a", false);
        assertThatThrownBy(() -> a.node().write(0, ByteBuffer.wrap(new byte[1])))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("for reading only");
        assertThat(table.open("memory", "/a", true)).isSameAs(a);
        assertThat(a.node().write(0, ByteBuffer.wrap(new byte[1]))).isEqualTo(1);
        assertThat(files.open).hasValue(1);
    }

    @Test
    void saysWhatCannotBeOpened() {
        assertThatThrownBy(() -> table.open("memory", "/none", false))
                .isInstanceOf(IOException.class)
                .hasMessage("/none: no such file");
        assertThatThrownBy(() -> table.open("moon", "/a", false))
                .isInstanceOf(IOException.class)
                .hasMessage("no file system \"moon\"; there are: memory");
        assertThat(table.all()).isEmpty();
    }

    @Test
    void aFileThatIsReplacedWhileItIsOpenedIsNotOpened() throws IOException {
        files.create("/a", new byte[10]);
        Contents contents = Contents.at(fileSystemsWith(files), "memory", "/a");
        files.create("/a", new byte[10]);
        assertThatThrownBy(() -> contents.open(false))
                .isInstanceOf(IOException.class)
                .hasMessage("/a: another file has taken its place");
        assertThat(files.open).hasValue(0);
    }

    private static FileSystems fileSystemsWith(MemoryFiles present) {
        FileSystems systems = new FileSystems();
        systems.add(present);
        return systems;
    }

    @Test
    void contentsWithoutANameAreAVnodeToo() throws IOException {
        MemoryFile file = MemoryFile.of("scratch", 4_096, new byte[5_000]);
        Vnode vnode = table.wrap(file);
        assertThat(vnode.useCount()).isEqualTo(1);
        assertThat(vnode.size()).isEqualTo(5_000);
        assertThat(table.all()).containsExactly(vnode);
        vnode.release();
        assertThat(table.all()).containsExactly(vnode);
        vnode.lock().lock();
        table.reclaim(vnode);
        vnode.lock().unlock();
        assertThat(table.all()).isEmpty();
        assertThat(file.closes()).isEqualTo(1);
    }

    // Counts

    @Test
    void countsUsesAndHolds() throws IOException {
        Vnode vnode = table.wrap(MemoryFile.of("counted", 4_096, new byte[1]));
        vnode.reference();
        vnode.hold();
        assertThat(vnode.useCount()).isEqualTo(2);
        assertThat(vnode.holdCount()).isEqualTo(1);
        vnode.release();
        vnode.lock().lock();
        vnode.reference();
        vnode.releaseLocked();
        assertThat(vnode.lock().isHeld()).isTrue();
        vnode.put();
        assertThat(vnode.lock().isHeld()).isFalse();
        vnode.drop();
        assertThat(vnode.useCount()).isZero();
        assertThat(vnode.holdCount()).isZero();
        assertThatThrownBy(vnode::release).isInstanceOf(KernelPanic.class).hasMessageContaining("-1 uses");
        assertThatThrownBy(vnode::drop).isInstanceOf(KernelPanic.class).hasMessageContaining("-1 holds");
    }

    @Test
    void writeMappingsTogetherAreOneWriter() throws IOException {
        Vnode vnode = table.wrap(MemoryFile.of("mapped", 4_096, new byte[1]));
        VmObject object = doubles.object(vnode, 1);
        vnode.addWriters(1);
        vnode.addWriteMapping(object, 8_192);
        vnode.addWriteMapping(object, 4_096);
        assertThat(vnode.writeMappings()).isEqualTo(12_288);
        assertThat(vnode.writeCount()).isEqualTo(2);
        vnode.removeWriteMapping(object, 8_192);
        assertThat(vnode.writeCount()).isEqualTo(2);
        vnode.removeWriteMapping(object, 4_096);
        assertThat(vnode.writeCount()).isEqualTo(1);
        vnode.addWriteMapping(object, 4_096);
        assertThatThrownBy(() -> vnode.removeWriteMapping(object, 8_192)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void mappingsOfAnObjectThatWasTakenAwayAreNobodys() throws IOException {
        Vnode vnode = table.wrap(MemoryFile.of("gone", 4_096, new byte[1]));
        VmObject object = doubles.object(vnode, 1);
        vnode.reference();
        vnode.addWriteMapping(object, 4_096);
        vnode.lock().lock();
        table.reclaim(vnode);
        vnode.put();
        assertThat(doubles.calls).containsExactly("pageClean", "deallocate");
        assertThat(vnode.writeMappings()).isZero();
        assertThat(vnode.writeCount()).isZero();
        vnode.removeWriteMapping(object, 4_096);
        assertThat(vnode.writeMappings()).isZero();
        assertThat(vnode.useCount()).isZero();
    }

    @Test
    void aVnodeHasOneObject() throws IOException {
        Vnode vnode = table.wrap(MemoryFile.of("one", 4_096, new byte[1]));
        VmObject object = doubles.object(vnode, 1);
        assertThat(vnode.object()).isSameAs(object);
        assertThatThrownBy(() -> vnode.setObject(object)).isInstanceOf(KernelPanic.class);
    }

    @Test
    void aFileIsFoundUnderItsNewName() throws IOException {
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        files.rename("/a", "/b");
        assertThat(table.open("memory", "/b", true)).isSameAs(a);
        assertThat(a.node().write(0, ByteBuffer.wrap(new byte[1]))).isEqualTo(1);
    }

    @Test
    void fsyncWritesWhatIsDirtyAndReportsWhatCouldNot() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("synced", 4_096, new byte[1]));
        Vnode vnode = table.wrap(node);
        table.fsync(vnode);
        doubles.object(vnode, 1);
        table.fsync(vnode);
        assertThat(doubles.calls).containsExactly("pageClean");
        doubles.cleanFails = true;
        assertThatThrownBy(() -> table.fsync(vnode))
                .isInstanceOf(IOException.class)
                .hasMessage("synced: some changes could not be written");
        doubles.cleanFails = false;
        node.failFsync();
        assertThatThrownBy(() -> table.fsync(vnode)).isInstanceOf(IOException.class);
        assertThat(vnode.lock().isHeld()).isFalse();
    }

    // The limit of unused vnodes

    @Test
    void whatCannotBeWrittenIsNotReclaimed() throws IOException {
        table = table(0);
        Vnode vnode = table.wrap(MemoryFile.of("dirty", 4_096, new byte[1]));
        doubles.object(vnode, 0);
        doubles.cleanFails = true;
        vnode.release();
        Vnode other = table.wrap(MemoryFile.of("other", 4_096, new byte[1]));
        assertThat(vnode.doomed()).isFalse();
        doubles.cleanFails = false;
        other.release();
        table.wrap(MemoryFile.of("third", 4_096, new byte[1]));
        assertThat(vnode.doomed()).isTrue();
        assertThat(other.doomed()).isTrue();
    }

    @Test
    void theLongestUnusedIsReclaimedFirst() throws IOException {
        table = table(2);
        List<Vnode> vnodes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            files.create("/" + i, new byte[10]);
            vnodes.add(table.open("memory", "/" + i, false));
        }
        vnodes.get(1).release();
        vnodes.get(0).release();
        vnodes.get(2).release();
        vnodes.get(1).reference();
        vnodes.get(1).release();
        assertThat(vnodes).noneMatch(Vnode::doomed);
        table.open("memory", "/3", false);
        assertThat(vnodes.get(0).doomed()).isTrue();
        assertThat(table.all()).containsExactly(vnodes.get(1), vnodes.get(2), vnodes.get(3));
        assertThat(files.open).hasValue(3);
    }

    @Test
    void closingWritesAndClosesEverything() throws IOException {
        files.create("/a", new byte[10]);
        files.create("/b", new byte[10]);
        doubles.object(table.open("memory", "/a", false), 0);
        table.open("memory", "/b", false).release();
        table.close();
        assertThat(files.open).hasValue(0);
        assertThat(doubles.calls).containsExactly("terminate");
        assertThat(table.all()).isEmpty();
    }

    @Test
    void openingAndReleasingByManyThreadsLosesNothing() throws Exception {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        table = table(2);
        int names = 6;
        for (int i = 0; i < names; i++) {
            files.create("/" + i, new byte[10 + i]);
        }
        AtomicReference<Throwable> trouble = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Random random = new Random(seed + t);
            threads.add(new Thread(() -> {
                try {
                    for (int i = 0; i < 3_000; i++) {
                        int name = random.nextInt(names);
                        Vnode vnode = table.open("memory", "/" + name, random.nextInt(4) == 0);
                        assertThat(vnode.doomed()).isFalse();
                        assertThat(vnode.size()).isEqualTo(10 + name);
                        assertThat(vnode.node().read(0, ByteBuffer.allocate(100)))
                                .isEqualTo(10 + name);
                        vnode.release();
                    }
                } catch (IOException | RuntimeException | Error e) {
                    trouble.set(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(trouble.get()).isNull();
        assertThat(table.all()).hasSizeLessThanOrEqualTo(names).allMatch(vnode -> vnode.useCount() == 0);
        assertThat(files.open).hasValue(table.all().size());
        table.close();
        assertThat(files.open).hasValue(0);
    }

    // File systems that come and go

    @Test
    void aFileSystemThatComesBackHasItsFilesAgain() throws IOException {
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        table.removeFileSystem(files);
        assertThat(files.open).hasValue(0);
        assertThatThrownBy(() -> a.node().read(0, ByteBuffer.allocate(3)))
                .isInstanceOf(IOException.class)
                .hasMessage("no file system \"memory\"; there are: none");
        assertThatThrownBy(() -> table.open("memory", "/a", false)).isInstanceOf(IOException.class);
        MemoryFiles successor = files.successor();
        table.addFileSystem(successor);
        assertThat(a.node().read(0, ByteBuffer.allocate(3))).isEqualTo(3);
        assertThat(table.open("memory", "/a", false)).isSameAs(a);
        assertThat(successor.open).hasValue(1);
    }

    @Test
    void aSuccessorTakesOverWhenItsPredecessorGoes() throws IOException {
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", true);
        MemoryFiles successor = files.successor();
        table.addFileSystem(successor);
        assertThat(a.node().read(0, ByteBuffer.allocate(3))).isEqualTo(3);
        assertThat(successor.open).hasValue(0);
        table.removeFileSystem(files);
        assertThat(a.node().write(0, ByteBuffer.wrap(new byte[1]))).isEqualTo(1);
        assertThat(files.open).hasValue(0);
        assertThat(successor.open).hasValue(1);
    }

    @Test
    void aFileThatChangedWhileItsFileSystemWasGoneStaysAway() throws IOException {
        MemoryFile file = files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        table.removeFileSystem(files);
        file.put(0, new byte[5]);
        table.addFileSystem(files);
        assertThatThrownBy(() -> a.node().read(0, ByteBuffer.allocate(3)))
                .isInstanceOf(IOException.class)
                .hasMessage("/a: has changed while its file system was gone");
        files.create("/a", new byte[] {1, 2, 3});
        assertThatThrownBy(() -> a.node().read(0, ByteBuffer.allocate(3)))
                .isInstanceOf(IOException.class)
                .hasMessage("/a: another file has taken its place");
        assertThat(files.open).hasValue(0);
    }

    @Test
    void aFileOfTheSameSizeThatChangedWhileItsFileSystemWasGoneStaysAway() throws IOException {
        MemoryFile file = files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        table.removeFileSystem(files);
        file.put(0, new byte[] {9});
        table.addFileSystem(files);
        assertThatThrownBy(() -> a.node().read(0, ByteBuffer.allocate(3)))
                .isInstanceOf(IOException.class)
                .hasMessage("/a: has changed while its file system was gone");
    }

    @Test
    void aCallWaitsForTheFileSystemToComeBack() throws Exception {
        table = new VnodeTable(doubles.machine(), doubles.pagers(), 10, 3_600_000);
        table.addFileSystem(files);
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        table.removeFileSystem(files);
        AtomicReference<Object> result = new AtomicReference<>();
        Thread reader = new Thread(() -> {
            try {
                int read = a.node().read(0, ByteBuffer.allocate(3));
                result.set(Thread.currentThread().isInterrupted() ? read : "lost the interrupt");
            } catch (IOException e) {
                result.set(e);
            }
        });
        reader.start();
        while (reader.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        reader.interrupt();
        table.addFileSystem(files);
        reader.join();
        assertThat(result.get()).isEqualTo(3);
    }

    /** A table that waits for file systems as long as it takes. */
    private void waitForEver() {
        table = new VnodeTable(doubles.machine(), doubles.pagers(), 10, 3_600_000);
        table.addFileSystem(files);
    }

    @Test
    void anOpenWaitsForTheFileSystemToComeBack() throws Exception {
        waitForEver();
        files.create("/a", new byte[] {1, 2, 3});
        table.removeFileSystem(files);
        CompletableFuture<Vnode> opened = CompletableFuture.supplyAsync(() -> {
            try {
                return table.open("memory", "/a", false);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        while (table.waits() == 0) {
            assertThat(opened).isNotDone();
            Thread.onSpinWait();
        }
        table.addFileSystem(files);
        assertThat(opened.get().size()).isEqualTo(3);
    }

    @Test
    void nobodyWaitsForAFileSystemThatWasNeverThere() {
        waitForEver();
        assertThatThrownBy(() -> table.open("moon", "/a", false)).isInstanceOf(FileSystemAway.class);
        assertThat(table.waits()).isZero();
    }

    @Test
    void afterTheDeadlineTheErrorHasItsOwnType() throws IOException {
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        assertThat(a.away()).isFalse();
        table.removeFileSystem(files);
        assertThat(a.away()).isTrue();
        assertThatThrownBy(() -> a.node().size()).isInstanceOf(FileSystemAway.class);
        assertThatThrownBy(() -> table.open("memory", "/a", false)).isInstanceOf(FileSystemAway.class);
        table.addFileSystem(files);
        assertThat(a.away()).as("back, and not yet asked").isFalse();
        assertThat(a.node().size()).isEqualTo(3);
        assertThat(a.away()).isFalse();
        a.lock().lock();
        table.reclaim(a);
        a.put();
        assertThat(a.away()).as("closed").isFalse();
    }

    /** A file system that fails at whatever it is asked, because it leaves in the middle of that. */
    private final class Leaving extends MemoryFiles {
        Leaving() {
            super("memory");
        }

        @Override
        public Object identity(String path) {
            table.addFileSystem(files);
            // It leaves at once, but who takes it away may have to wait for this very call.
            Thread remover = new Thread(() -> table.removeFileSystem(this));
            remover.start();
            while (remover.isAlive() && remover.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            throw new NoClassDefFoundError("gone");
        }
    }

    @Test
    void aCallThatFailsBecauseItsFileSystemLeavesIsMadeAgainOnTheNext() throws IOException {
        waitForEver();
        files.create("/a", new byte[] {1, 2, 3});
        table.addFileSystem(new Leaving());
        Vnode a = table.open("memory", "/a", false);
        assertThat(a.node().read(0, ByteBuffer.allocate(3))).isEqualTo(3);
        table.removeFileSystem(files);
        table.addFileSystem(new Leaving());
        assertThat(a.node().read(0, ByteBuffer.allocate(3))).as("opened again").isEqualTo(3);
    }

    @Test
    void aFileSystemThatSaysItIsAwayAlthoughItIsThereIsNotWaitedFor() {
        waitForEver();
        table.addFileSystem(new MemoryFiles("liar") {
            @Override
            public Object identity(String path) throws IOException {
                throw new FileSystemAway("so it says");
            }
        });
        assertThatThrownBy(() -> table.open("liar", "/a", false)).hasMessage("so it says");
    }

    /**
     * Contents made of a file whose file system is away: the one that leaves does not wait for those who wait for it.
     */
    @Test
    void aCallOnContentsWithoutANameMayWaitWhileAFileSystemLeaves() throws Exception {
        waitForEver();
        files.create("/a", new byte[] {1, 2, 3});
        Vnode a = table.open("memory", "/a", false);
        Vnode made = table.wrap(new FaultyNode(a.node()));
        table.removeFileSystem(files);
        CompletableFuture<Integer> read = CompletableFuture.supplyAsync(() -> {
            try {
                return made.node().read(0, ByteBuffer.allocate(3));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        while (table.waits() == 0) {
            assertThat(read).isNotDone();
            Thread.onSpinWait();
        }
        MemoryFiles other = new MemoryFiles("other");
        table.addFileSystem(other);
        table.removeFileSystem(other);
        assertThat(read).isNotDone();
        table.addFileSystem(files);
        assertThat(read.get()).isEqualTo(3);
    }

    // What a file system may do wrong

    @Test
    void aThrowingFileSystemIsAnIoError() throws IOException {
        Vnode vnode = table.wrap(new RogueNode());
        assertThatThrownBy(() -> vnode.node().read(0, ByteBuffer.allocate(10)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("rogue: file system failed")
                .hasMessageContaining("boom");
        assertThatThrownBy(() -> vnode.node().write(0, ByteBuffer.allocate(10)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("write answered 20 and moved 0 bytes");
        assertThatThrownBy(() -> vnode.node().map(3))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("block 3 at -7");
        vnode.lock().lock();
        table.reclaim(vnode);
        vnode.put();
        assertThat(table.all()).isEmpty();
    }

    @Test
    void afterAFailedFsyncNoneSucceeds() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("faulty", 4_096, new byte[10]));
        Vnode vnode = table.wrap(node);
        vnode.node().fsync();
        assertThat(vnode.writesLost()).isFalse();
        node.failFsync();
        assertThatThrownBy(() -> vnode.node().fsync()).isInstanceOf(IOException.class);
        node.heal();
        assertThatThrownBy(() -> vnode.node().fsync())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("an earlier write was lost");
        assertThat(vnode.writesLost()).isTrue();
        assertThat(vnode.node().read(0, ByteBuffer.allocate(10))).isEqualTo(10);
    }

    @Test
    void theCheckFindsCountsThatDisagree() throws IOException {
        Vnode vnode = table.wrap(MemoryFile.of("checked", 4_096, new byte[10]));
        VnodeInvariants check = new VnodeInvariants(table);
        Violations none = new Violations();
        check.check(none);
        assertThat(none.messages()).isEmpty();
        vnode.hold();
        Violations one = new Violations();
        check.check(one);
        assertThat(one.messages())
                .containsExactly("vnode checked has no object but 1 holds and 0 bytes of write mappings");
    }

    @Test
    void countsVnodes() throws IOException {
        table.wrap(MemoryFile.of("a", 4_096, new byte[10]));
        table.wrap(MemoryFile.of("b", 4_096, new byte[10])).release();
        List<String> counts = new ArrayList<>();
        new VnodeCounts(table).forEach((name, value) -> counts.add(name + "=" + value));
        assertThat(counts).containsExactly("vfs.numvnodes=2", "vfs.freevnodes=1", "vfs.waits=0");
    }
}
