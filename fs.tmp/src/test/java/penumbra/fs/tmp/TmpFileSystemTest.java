// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.account.Cred;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemContract;
import penumbra.vnode.Vnode;

class TmpFileSystemTest extends FileSystemContract {
    private static final long BASE = 1 << 20;

    private final TmpMachine machine = new TmpMachine(123, Execution.STEPPED);
    private final TmpFileSystem files = machine.files();
    private final VnodeTable vnodes = (VnodeTable) machine.kernel().vnodes();
    private final Cpu cpu = machine.kernel().machine().cpus().get(0);

    @Override
    protected FileSystem fileSystem() {
        return files;
    }

    @Override
    protected String create(byte[] contents) throws IOException {
        return machine.create(contents);
    }

    @Override
    protected String missing() {
        return "/missing";
    }

    @AfterEach
    void switchOff() {
        assertThat(machine.kernel().checkInvariants(List.of(files)).messages()).isEmpty();
        machine.close();
    }

    private Vnode open(String path) throws IOException {
        vnodes.addFileSystem(files);
        return vnodes.open(TmpFileSystem.NAME, path, true);
    }

    private Process map(Vnode vnode, int pages, boolean shared) {
        Process process = machine.kernel().processes().create("mapper", new Cred(1001));
        VmObject object = Objects.requireNonNull(
                machine.kernel().pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null));
        KernReturn mapped = process.space()
                .insert(
                        object,
                        0,
                        BASE,
                        BASE + PageSize.bytes(pages),
                        Prot.RW,
                        Prot.ALL,
                        shared ? 0 : MapFlags.COPY_ON_WRITE);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        machine.kernel().processes().run(cpu, process);
        return process;
    }

    private long load(long address) {
        cpu.enterUser();
        try {
            return cpu.load(address, Long.BYTES);
        } finally {
            cpu.leaveUser();
        }
    }

    private void store(long address, long value) {
        cpu.enterUser();
        try {
            cpu.store(address, Long.BYTES, value);
        } finally {
            cpu.leaveUser();
        }
    }

    private static long word(FileNode node, long offset) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(node.read(offset, bytes)).isEqualTo(Long.BYTES);
        return bytes.getLong(0);
    }

    @Test
    void mappingsAndTransfersSeeTheSamePages() throws IOException {
        Vnode vnode = open(create(new byte[3 * PageSize.BYTES]));
        Process process = map(vnode, 3, true);
        store(BASE + 5000 / 8 * 8, 0x1122334455667788L);
        assertThat(word(vnode.node(), 5000)).isEqualTo(0x1122334455667788L);
        vnode.node().write(2 * PageSize.BYTES, ByteBuffer.allocate(8).put(0, (byte) 99));
        assertThat(load(BASE + PageSize.bytes(2))).isEqualTo(99);
        machine.kernel().processes().exit(process);
        assertThat(word(vnode.node(), 5000)).isEqualTo(0x1122334455667788L);
        vnode.release();
    }

    @Test
    void theObjectIsMarkedWhileAVnodeIsThere() throws IOException {
        String path = create(new byte[PageSize.BYTES]);
        Vnode vnode = open(path);
        VmObject object = Objects.requireNonNull(vnode.node().object());
        Process process = map(vnode, 1, true);
        assertThat(object.type()).isEqualTo(ObjectType.SWAP);
        assertThat(object.has(ObjectFlags.TMPFS)).isTrue();
        assertThat(object.has(ObjectFlags.NOSPLIT)).isTrue();
        assertThat(object.tmpfsNode()).isSameAs(vnode);
        machine.kernel().processes().exit(process);
        assertThat(object.refCount()).isEqualTo(1);
        vnode.lock().lock();
        vnodes.reclaim(vnode);
        vnode.put();
        assertThat(object.has(ObjectFlags.TMPFS)).isFalse();
        assertThat(object.tmpfsNode()).isNull();
        assertThat(files.open(path, false).size()).isEqualTo(PageSize.BYTES);
    }

    @Test
    void whatAPrivateMappingStoresStaysItsOwn() throws IOException {
        Vnode vnode = open(create(new byte[2 * PageSize.BYTES]));
        Process process = map(vnode, 2, false);
        store(BASE, 7);
        assertThat(load(BASE)).isEqualTo(7);
        assertThat(word(vnode.node(), 0)).isZero();
        vnode.node().write(PageSize.BYTES, ByteBuffer.allocate(8).put(0, (byte) 8));
        assertThat(load(BASE + PageSize.BYTES)).isEqualTo(8);
        machine.kernel().processes().exit(process);
        vnode.release();
    }

    @Test
    void aFileLargerThanMemoryGoesToSwapAndComesBack() throws IOException {
        long seed = System.nanoTime();
        System.out.println("aFileLargerThanMemory: seed " + seed);
        byte[] contents = new byte[400 * PageSize.BYTES + 77];
        new Random(seed).nextBytes(contents);
        Vnode vnode = open(create(contents));
        assertThat(machine.kernel().swap().pages(locked(vnode))).isPositive();
        locked(vnode).lock().unlock();
        ByteBuffer back = ByteBuffer.allocate(contents.length + 1);
        assertThat(vnode.node().read(0, back)).isEqualTo(contents.length);
        assertThat(back.flip()).isEqualTo(ByteBuffer.wrap(contents));
        vnode.release();
    }

    private VmObject locked(Vnode vnode) throws IOException {
        VmObject object = Objects.requireNonNull(vnode.node().object());
        if (!object.lock().isHeld()) {
            object.lock().lock();
        }
        return object;
    }

    @Test
    void aCutTakesMappedPagesAndTheTailAway() throws IOException {
        byte[] contents = new byte[3 * PageSize.BYTES];
        Arrays.fill(contents, (byte) 1);
        Vnode vnode = open(create(contents));
        Process process = map(vnode, 3, true);
        assertThat(load(BASE + PageSize.bytes(2))).isEqualTo(0x0101010101010101L);
        vnode.node().truncate(PageSize.BYTES + 8);
        assertThat(load(BASE + PageSize.BYTES)).isEqualTo(0x0101010101010101L);
        assertThat(load(BASE + PageSize.BYTES + 8)).isZero();
        assertThatThrownBy(() -> load(BASE + PageSize.bytes(2))).isInstanceOf(MemoryFault.class);
        vnode.node().truncate(3 * PageSize.BYTES);
        assertThat(load(BASE + PageSize.bytes(2))).isZero();
        machine.kernel().processes().exit(process);
        vnode.release();
    }

    @Test
    void aRemovedFileStaysForThoseWhoHaveIt() throws IOException {
        String path = create(new byte[] {1, 2, 3});
        FileNode node = files.open(path, false);
        files.remove(path);
        assertThat(files.list()).doesNotContain(path);
        assertThatThrownBy(() -> files.open(path, false)).hasMessage(path + ": no such file");
        assertThat(node.size()).isEqualTo(3);
        assertThat(files.usedBytes()).isEqualTo(PageSize.BYTES);
        node.close();
        assertThat(files.usedBytes()).isZero();
    }

    @Test
    void filesHaveNoMoreRoomThanTheyMayHave() throws IOException {
        FileNode node = files.open(create(new byte[10]), true);
        assertThatThrownBy(() -> node.truncate(TmpMachine.LIMIT + 1)).hasMessageContaining("no room");
        assertThatThrownBy(() -> node.write(TmpMachine.LIMIT, ByteBuffer.allocate(1)))
                .hasMessageContaining("no room");
        assertThat(node.size()).isEqualTo(10);
        node.truncate(TmpMachine.LIMIT);
        assertThat(files.usedBytes()).isEqualTo(TmpMachine.LIMIT);
        node.truncate(0);
        assertThat(files.usedBytes()).isZero();
        node.close();
    }

    @Test
    void oneNameIsOneFile() throws IOException {
        String path = create(new byte[1]);
        assertThatThrownBy(() -> files.create(path)).hasMessage(path + ": file exists");
        assertThatThrownBy(() -> files.create("a\nb")).hasMessage("a?b: no file can have this name");
        assertThatThrownBy(() -> files.create("")).isInstanceOf(IOException.class);
    }
}
