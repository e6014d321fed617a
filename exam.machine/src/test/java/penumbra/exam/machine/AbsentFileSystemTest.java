// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.page.PageCounts;
import penumbra.page.PageLimits;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.Vnode;

/** A file system leaves a machine whose memory is full of its dirty pages, and comes back. */
class AbsentFileSystemTest {
    private static final int MEMORY = 123;
    /** So many that memory is short of the daemon's target, and not of what wakes it. */
    private static final int PAGES = 70;
    /** More than it takes to age a page, or to launder all. */
    private static final int PASSES = 200;

    @TempDir
    private Path directory;

    private HandMachine machine;
    private Kernel kernel;

    /** The host's files by a name of their own, so that no other file system steps in. */
    private static final class Removable implements FileSystem {
        private final FileSystem host = new HostFileSystem();

        @Override
        public String name() {
            return "removable";
        }

        @Override
        public FileNode open(String path, boolean writable) throws IOException {
            return host.open(path, writable);
        }

        @Override
        public Object identity(String path) throws IOException {
            return host.identity(path);
        }
    }

    @BeforeEach
    void boot() {
        machine =
                new HandMachine(new MachineSettings(MEMORY, 100, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true));
        kernel = machine.kernel();
    }

    @AfterEach
    void switchOff() {
        machine.close();
    }

    private void pass() {
        for (int i = 0; i < PASSES; i++) {
            kernel.pageout().scan(2);
        }
    }

    /** With every CPU asleep for memory, nobody but the daemon comes near the files. */
    @Test
    void theDaemonWritesToAFileSystemThatIsBackThoughNobodyElseHasAskedForItsFiles() throws IOException {
        VnodeTable table = (VnodeTable) kernel.vnodes();
        Removable files = new Removable();
        table.addFileSystem(files);
        Path path = Files.write(directory.resolve("file"), new byte[(int) PageSize.bytes(PAGES)]);
        Vnode vnode = table.open("removable", path.toString(), true);
        Workload program = new Workload(
                kernel,
                kernel.machine().cpus().get(0),
                PAGES,
                1,
                Objects.requireNonNull(
                        kernel.pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null)));
        program.fill();
        PageCounts counts = kernel.pages().counts();
        PageLimits limits = kernel.pages().limits();
        assertThat(kernel.pageout().laundered()).isZero();

        table.removeFileSystem(files);
        pass();
        assertThat(kernel.pageout().laundered()).as("while it is away").isZero();
        assertThat(counts.available()).isLessThan(limits.freeTarget());

        table.addFileSystem(new Removable());
        pass();
        assertThat(kernel.pageout().laundered()).as("when it is back").isPositive();
        assertThat(counts.available()).isGreaterThanOrEqualTo(limits.freeTarget());
        assertThat(program.sweep()).isZero();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        program.exit();
        vnode.release();
    }
}
