// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFactory;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.PageRun;
import penumbra.pager.Pager;
import penumbra.pager.PagerResult;
import penumbra.vnode.Vnode;

/** What a program meets whose pager does not keep its contract. */
@Timeout(300)
class RoguePagerTest {
    private static final int PAGES = 8;

    @TempDir
    private Path directory;

    /** Puts a busy page of its own in the place of the one that it is to fill, does not tell, and throws. */
    private record Changeling(Kernel kernel) implements Pager {
        @Override
        public ObjectType type() {
            return ObjectType.VNODE;
        }

        @Override
        public String name() {
            return "changeling";
        }

        @Override
        public @Nullable VmObject allocate(
                ObjectFactory objects,
                @Nullable Object handle,
                long bytes,
                int prot,
                long offset,
                @Nullable Cred cred) {
            return null;
        }

        @Override
        public void deallocate(VmObject object) {
            object.setType(ObjectType.DEAD);
        }

        @Override
        public PagerResult getPages(VmObject object, Page[] pages, int count, int requested) {
            long pindex = pages[requested].pindex();
            Page other = Objects.requireNonNull(kernel.pages().allocUnowned(Alloc.NORMAL | Alloc.NOOBJ));
            kernel.pages().free(pages[requested]);
            assertThat(kernel.pages().insert(other, object, pindex)).isTrue();
            other.xbusy();
            throw new IllegalStateException("page " + pindex + " is another one now");
        }

        @Override
        public void putPages(VmObject object, Page[] pages, int count, int flags, PagerResult[] results) {
            throw new IllegalStateException("nothing is dirty");
        }

        @Override
        public long hasPage(VmObject object, long pindex) {
            return PageRun.of(0, 0);
        }
    }

    @Test
    void aProgramIsRefusedAPageThatWasExchangedAndGetsItFromTheNextPager() throws IOException {
        try (HandMachine machine =
                new HandMachine(new MachineSettings(256, 1024, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true))) {
            Kernel kernel = machine.kernel();
            Path file = Files.write(directory.resolve("file"), new byte[(int) PageSize.bytes(PAGES)]);
            Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, file.toString(), true);
            VmObject object = Objects.requireNonNull(
                    kernel.pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null));
            Workload workload = new Workload(kernel, kernel.machine().cpus().get(0), PAGES, 1, object);
            Pager rogue = new Changeling(kernel);
            machine.pagers().add(rogue, 1);
            assertThat(workload.sweep()).isEqualTo(PAGES);
            machine.pagers().remove(rogue);
            assertThat(workload.sweep()).isZero();
            workload.exit();
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
            vnode.release();
        }
    }
}
