// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
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
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.vnode.Vnode;

/**
 * What becomes of a mapped file when the host fails under it. Files have no checksums: where the host is wrong and does
 * not say so, programs read what it gave, and all that is asked is that nothing else comes of it.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class FileFaultsTest {
    private static final int MEMORY = 123;
    private static final int PAGES = 130;
    private static final int ACCESSES = 60;

    @TempDir
    private Path directory;

    private static HandMachine boot(FaultPlan plan) {
        return new HandMachine(
                new MachineSettings(MEMORY, 1024, null, 1, Execution.STEPPED, Fidelity.CORRECTED, true),
                Interposed.NOTHING.withFileOpener(plan.opener()));
    }

    private static Cpu cpu(Kernel kernel) {
        return kernel.machine().cpus().get(0);
    }

    /** A program that takes whatever it reads. */
    private static final class Credulous extends Workload {
        private int wrong;

        Credulous(Kernel kernel, long seed, VmObject object) {
            super(kernel, cpu(kernel), PAGES, seed, object);
        }

        @Override
        void wrong(int page, long found, long expected) {
            wrong++;
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"TORN_WRITE", "MISDIRECTED_READ", "MISDIRECTED_WRITE", "STALE_READ"})
    void atWhicheverTransferItHappensTheFileIsWhatWasStored(Fault fault) throws IOException {
        long seed = System.nanoTime();
        System.out.println(fault + ": seed " + seed);
        FaultPlan plan = new FaultPlan(fault, seed);
        plan.letGo();
        try (HandMachine machine = boot(plan)) {
            int n = 1;
            while (run(machine.kernel(), plan, fault, seed, n) > 0) {
                n++;
            }
            assertThat(n).isGreaterThan(1);
        }
    }

    private static VmObject object(Kernel kernel, Vnode vnode) {
        return Objects.requireNonNull(
                kernel.pagers().allocate(ObjectType.VNODE, vnode, vnode.size(), Prot.RW, 0, null));
    }

    private int run(Kernel kernel, FaultPlan plan, Fault fault, long seed, int n) throws IOException {
        Path file = Files.write(directory.resolve("file" + n), new byte[(int) PageSize.bytes(PAGES)]);
        Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, file.toString(), true);
        Workload workload = new Workload(kernel, cpu(kernel), PAGES, seed, object(kernel, vnode));
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

    /** Nobody is refused or held up, and what is stored afterwards reaches the file. */
    @ParameterizedTest
    @EnumSource(names = {"TORN_WRITE", "MISDIRECTED_READ", "MISDIRECTED_WRITE", "STALE_READ"})
    void aHostThatIsWrongAndSaysNothingIsBelievedAndNothingElseComesOfIt(Fault fault) throws IOException {
        long seed = System.nanoTime();
        System.out.println(fault + ": seed " + seed);
        FaultPlan plan = new FaultPlan(fault, seed);
        int wrong = 0;
        try (HandMachine machine = boot(plan)) {
            int n = 0;
            int fired;
            do {
                n++;
                Path file = Files.write(directory.resolve("file" + n), new byte[(int) PageSize.bytes(PAGES)]);
                Kernel kernel = machine.kernel();
                Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, file.toString(), true);
                Credulous program = new Credulous(kernel, seed, object(kernel, vnode));
                plan.arm(n, n % 2 == 0);
                program.fill();
                program.run(ACCESSES);
                assertThat(fsync(kernel, vnode)).isTrue();
                program.sweep();
                fired = plan.fired();
                plan.disarm();
                assertThat(program.refused()).isZero();
                wrong += program.wrong;
                program.fill();
                kernel.vnodes().fsync(vnode);
                compare(file, program);
                program.exit();
                assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
                vnode.release();
            } while (fired > 0);
            assertThat(n).isGreaterThan(1);
        }
        System.out.println(fault + ": " + wrong + " words were not what was stored");
    }

    @Test
    void aFileThatIsCutFromOutsideIsRefusedBehindItsEndAndServedAgainWhenItIsWhole() throws IOException {
        try (HandMachine machine = boot(new FaultPlan(Fault.SLOW, 1))) {
            Kernel kernel = machine.kernel();
            Path file = Files.write(directory.resolve("cut"), new byte[(int) PageSize.bytes(PAGES)]);
            Vnode vnode = kernel.vnodes().open(HostFileSystem.NAME, file.toString(), true);
            Credulous program = new Credulous(kernel, 1, object(kernel, vnode));
            program.fill();
            kernel.vnodes().fsync(vnode);
            cut(file, PageSize.bytes(3) + 100);
            assertThat(program.sweep()).isPositive();
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
            Files.write(file, new byte[(int) PageSize.bytes(PAGES)]);
            assertThat(program.sweep()).isZero();
            program.fill();
            kernel.vnodes().fsync(vnode);
            compare(file, program);
            program.exit();
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
            vnode.release();
        }
    }

    private static void cut(Path file, long size) throws IOException {
        try (FileChannel outside = FileChannel.open(file, StandardOpenOption.WRITE)) {
            outside.truncate(size);
        }
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
        assertThat(bytes.limit()).isGreaterThanOrEqualTo((int) PageSize.bytes(PAGES));
        for (int page = 0; page < PAGES; page++) {
            assertThat(bytes.getLong(page * PageSize.BYTES)).as("page %d", page).isEqualTo(workload.first(page));
            assertThat(bytes.getLong((page + 1) * PageSize.BYTES - Long.BYTES))
                    .as("end of page %d", page)
                    .isEqualTo(workload.last(page));
        }
    }
}
