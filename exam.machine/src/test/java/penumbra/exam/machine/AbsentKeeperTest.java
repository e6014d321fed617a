// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.PageCounts;
import penumbra.page.PageLimits;
import penumbra.vm.vnode.VnodeTable;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.Vnode;

/** A file system or a store leaves a machine whose memory is full of dirty pages that only it can take. */
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class AbsentKeeperTest {
    private static final int MEMORY = 123;
    private static final int SLOTS = 300;
    /** So many that memory is short of the daemon's target, and not of what wakes it. */
    private static final int PAGES = 70;
    /** More than it takes to age a page, or to launder all. */
    private static final int PASSES = 200;

    private static final long FOR_EVER = 3_600_000;

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

    private void boot(Execution execution) {
        machine = new HandMachine(new MachineSettings(MEMORY, SLOTS, null, 1, execution, Fidelity.CORRECTED, true));
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

    private VmObject object(Vnode vnode) {
        return Objects.requireNonNull(
                kernel.pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null));
    }

    /** A file with every page stored to, and the program that did it. */
    private final class Stored {
        final VnodeTable table = (VnodeTable) kernel.vnodes();
        final Removable files = new Removable();
        final Vnode vnode;
        final Workload program;

        Stored(int pages) throws IOException {
            table.addFileSystem(files);
            Path path = Files.write(directory.resolve("file"), new byte[(int) PageSize.bytes(pages)]);
            vnode = table.open("removable", path.toString(), true);
            program = new Workload(kernel, kernel.machine().cpus().get(0), pages, 1, object(vnode));
            program.fill();
            assertThat(kernel.pageout().laundered()).isZero();
        }

        void leave() {
            table.removeFileSystem(files);
        }

        void comeBack() {
            table.addFileSystem(files);
        }

        void end() {
            program.resume();
            assertThat(program.sweep()).isZero();
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
            program.exit();
            vnode.release();
        }
    }

    /** With every CPU asleep for memory, nobody but the daemon comes near the files. */
    @Test
    void theDaemonWritesToAFileSystemThatIsBackThoughNobodyElseHasAskedForItsFiles() throws IOException {
        boot(Execution.STEPPED);
        Stored stored = new Stored(PAGES);
        PageCounts counts = kernel.pages().counts();
        PageLimits limits = kernel.pages().limits();

        stored.leave();
        pass();
        assertThat(kernel.pageout().laundered()).as("while it is away").isZero();
        assertThat(counts.available()).isLessThan(limits.freeTarget());

        stored.comeBack();
        pass();
        assertThat(kernel.pageout().laundered()).as("when it is back").isPositive();
        assertThat(counts.available()).isGreaterThanOrEqualTo(limits.freeTarget());
        stored.end();
    }

    /** The inactive queue was once full of them for ever, and as long as it should be. */
    @Test
    void pagesThatCannotBeWrittenKeepTheDaemonFromNoOthers() throws IOException {
        boot(Execution.STEPPED);
        Stored stored = new Stored(PAGES);
        stored.leave();
        Workload other = new Workload(kernel, kernel.machine().cpus().get(0), 2 * PAGES, 2);
        other.fill();
        assertThat(other.sweep()).isZero();
        assertThat(kernel.pageout().laundered()).isPositive();
        other.exit();
        stored.comeBack();
        stored.end();
    }

    /** Pages of swap that is away are no better than those of files. */
    @Test
    void pagesWhoseStoreIsAwayKeepTheDaemonFromNoOthers() throws IOException {
        boot(Execution.THREADED);
        machine.pagers().setLimits(FOR_EVER, FOR_EVER);
        Workload anonymous = new Workload(kernel, kernel.machine().cpus().get(0), 2 * PAGES, 2);
        anonymous.fill();
        // A store is waited for when it has pages.
        assertThat(kernel.swap().available()).isLessThan(kernel.swap().total());
        machine.pagers().detach(machine.swapFile());

        Path path = Files.write(directory.resolve("file"), new byte[(int) PageSize.bytes(2 * PAGES)]);
        Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, path.toString(), true);
        Workload program = new Workload(kernel, kernel.machine().cpus().get(0), 2 * PAGES, 1, object(vnode));
        program.fill();
        assertThat(program.sweep()).isZero();
        program.exit();
        vnode.release();

        machine.pagers().attach(machine.swapFile(), 0);
        anonymous.resume();
        assertThat(anonymous.sweep()).isZero();
        anonymous.exit();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }
}
