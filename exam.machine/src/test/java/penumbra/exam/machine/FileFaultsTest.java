// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.fault.Fault;
import penumbra.fault.FaultPlan;
import penumbra.fs.host.HostFileSystem;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.vnode.Vnode;

/**
 * What becomes of a mapped file when the host fails under it. Faults that a file cannot tell from success are not among them:
 * a file has no checksums.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class FileFaultsTest {
    private static final int MEMORY = 123;
    private static final int PAGES = 130;
    private static final int ACCESSES = 60;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"TORN_WRITE", "MISDIRECTED_READ", "MISDIRECTED_WRITE", "STALE_READ"})
    void atWhicheverTransferItHappensTheFileIsWhatWasStored(Fault fault) throws IOException {
        long seed = System.nanoTime();
        System.out.println(fault + ": seed " + seed);
        FaultPlan plan = new FaultPlan(fault, seed);
        plan.letGo();
        try (HandMachine machine = new HandMachine(
                new MachineSettings(MEMORY, 1024, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true),
                Interposed.NOTHING.withFileOpener(plan.opener()))) {
            int n = 1;
            while (run(machine.kernel(), plan, fault, seed, n) > 0) {
                n++;
            }
            assertThat(n).isGreaterThan(1);
        }
    }

    private int run(Kernel kernel, FaultPlan plan, Fault fault, long seed, int n) throws IOException {
        Path file = Files.write(directory.resolve("file" + n), new byte[(int) PageSize.bytes(PAGES)]);
        Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, file.toString(), true);
        VmObject object = Objects.requireNonNull(
                kernel.pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null));
        Workload workload = new Workload(kernel, kernel.machine().cpus().get(0), PAGES, seed, object);
        plan.arm(n, false);
        workload.fill();
        workload.run(ACCESSES);
        boolean synced = fsync(kernel, vnode);
        int fired = plan.fired();
        assertThat(Thread.interrupted()).isEqualTo(fired > 0 && fault == Fault.INTERRUPT);
        plan.disarm();
        if (fault.harmless()) {
            assertThat(workload.refused()).isZero();
            assertThat(synced).isTrue();
        }
        assertThat(workload.sweep()).isZero();
        if (fault == Fault.FAILING_FSYNC && fired > 0) {
            assertThat(synced).isFalse();
            assertThat(vnode.writesLost()).isTrue();
            assertThatThrownBy(() -> kernel.vnodes().fsync(vnode)).isInstanceOf(IOException.class);
        } else {
            kernel.vnodes().fsync(vnode);
            compare(file, workload);
        }
        workload.exit();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        vnode.release();
        return fired;
    }

    private static boolean fsync(Kernel kernel, Vnode vnode) {
        try {
            kernel.vnodes().fsync(vnode);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void compare(Path file, Workload workload) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.limit()).isEqualTo(PageSize.bytes(PAGES));
        for (int page = 0; page < PAGES; page++) {
            assertThat(bytes.getLong(page * PageSize.BYTES)).as("page %d", page).isEqualTo(workload.first(page));
            assertThat(bytes.getLong((page + 1) * PageSize.BYTES - Long.BYTES))
                    .as("end of page %d", page)
                    .isEqualTo(workload.last(page));
        }
    }
}
