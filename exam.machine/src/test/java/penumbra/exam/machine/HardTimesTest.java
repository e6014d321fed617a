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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.Machine;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;
import penumbra.policy.PagePolicy;
import penumbra.policy.PageoutPass;
import penumbra.process.Process;
import penumbra.vm.pageout.PageoutDaemon;
import penumbra.vnode.Vnode;

/**
 * Machines on which a program waits for memory that does not come: too small, closed, halted, or with a broken disk.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class HardTimesTest {
    private static final int MEMORY = 123;
    private static final int PAGES = 300;
    private static final long BASE = 1 << 20;

    @TempDir
    Path folder;

    private static HandMachine boot(int pages, Execution execution, Interposed between) {
        return new HandMachine(new MachineSettings(pages, 1024, null, 2, execution, Fidelity.CORRECTED, true), between);
    }

    private static Process program(Kernel kernel, Cpu cpu) {
        Process process = kernel.processes().create("program", new Cred(1001));
        assertThat(process.space().insert(null, 0, BASE, BASE + PageSize.bytes(PAGES), Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        kernel.processes().run(cpu, process);
        return process;
    }

    private static boolean store(Cpu cpu, int pages) {
        cpu.enterUser();
        try {
            for (int page = 0; page < pages; page++) {
                cpu.store(BASE + PageSize.bytes(page), Long.BYTES, ~page);
            }
        } finally {
            cpu.leaveUser();
        }
        return true;
    }

    private static void checkContents(Cpu cpu) {
        cpu.enterUser();
        for (int page = 0; page < PAGES; page++) {
            assertThat(cpu.load(BASE + PageSize.bytes(page), Long.BYTES)).isEqualTo(~page);
        }
        cpu.leaveUser();
    }

    /** A program that stores to all its pages on a thread of its own. */
    private static final class Running {
        final FutureTask<Boolean> end;
        final Thread thread;

        Running(Cpu cpu) {
            end = new FutureTask<>(() -> store(cpu, PAGES));
            thread = new Thread(end, "program");
            thread.setDaemon(true);
            thread.start();
        }

        void awaitSleep(Kernel kernel, String waitMessage) {
            while (!waitMessage.equals(kernel.machine().sleepQueue().waitMessage(thread))) {
                assertThat(end.isDone()).as("the program has ended").isFalse();
                Thread.onSpinWait();
            }
        }
    }

    /** A swap file whose writes fail for as long as it is told to. */
    private static final class BrokenDisk extends ForwardingStore<BackingStore> {
        final AtomicBoolean broken = new AtomicBoolean(true);
        final AtomicInteger failures = new AtomicInteger();

        BrokenDisk(BackingStore real) {
            super(real);
        }

        @Override
        public void write(long slot, ByteBuffer from) throws IOException {
            if (broken.get()) {
                failures.incrementAndGet();
                throw new IOException("broken on purpose");
            }
            super.write(slot, from);
        }
    }

    private static BrokenDisk disk(HandMachine machine) {
        return (BrokenDisk) machine.swapFile();
    }

    @ParameterizedTest
    @CsvSource({
        "1, STEPPED", "2, STEPPED", "8, STEPPED", "43, STEPPED",
        "1, THREADED", "2, THREADED", "8, THREADED", "45, THREADED"
    })
    void aMachineThatIsTooSmallTellsItsProgramToDie(int pages, Execution execution) {
        try (HandMachine machine = boot(pages, execution, Interposed.NOTHING)) {
            Kernel kernel = machine.kernel();
            Cpu cpu = kernel.machine().cpus().get(0);
            Process process = program(kernel, cpu);
            assertThatThrownBy(() -> store(cpu, PAGES))
                    .isInstanceOfSatisfying(MemoryFault.class, fault -> assertThat(fault.reason())
                            .isEqualTo(KernReturn.NOT_RECEIVER));
            assertThat(process.killReason()).contains("out of memory", "of " + pages + " pages free");
            kernel.processes().exit(process);
            assertThat(kernel.pages().counts().free()).isEqualTo(pages);
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }

    /** A machine whose programs are told to die at the very moment at which they fall asleep for memory. */
    private static final class WorstMoment extends MachineInFront {
        final AtomicReference<Runnable> asItFallsAsleep = new AtomicReference<>(() -> {});

        WorstMoment(Machine real) {
            super(real);
        }

        @Override
        public SleepQueue sleepQueue() {
            return new SleepQueueInFront(super.sleepQueue()) {
                @Override
                public void sleepAndDrop(Object channel, KernelLock lock, String waitMessage) {
                    if (waitMessage.equals("pfault")) {
                        asItFallsAsleep.getAndSet(() -> {}).run();
                    }
                    super.sleepAndDrop(channel, lock, waitMessage);
                }
            };
        }
    }

    @Test
    void whoIsToldToDieAsItFallsAsleepForMemoryDies() {
        AtomicReference<WorstMoment> moment = new AtomicReference<>();
        Interposed between = Interposed.NOTHING.withMachine(real -> {
            moment.set(new WorstMoment(real));
            return moment.get();
        });
        try (HandMachine machine = boot(8, Execution.THREADED, between)) {
            Kernel kernel = machine.kernel();
            Cpu cpu = kernel.machine().cpus().get(0);
            Process process = program(kernel, cpu);
            moment.get().asItFallsAsleep.set(() -> kernel.processes().kill(process, "now"));
            assertThatThrownBy(() -> store(cpu, PAGES))
                    .isInstanceOfSatisfying(MemoryFault.class, fault -> assertThat(fault.reason())
                            .isEqualTo(KernReturn.NOT_RECEIVER));
            assertThat(process.killed()).isTrue();
            kernel.processes().exit(process);
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"46, STEPPED", "46, THREADED"})
    void theSmallestMachineRunsAProgramOfManyTimesItsSize(int pages, Execution execution) {
        try (HandMachine machine = boot(pages, execution, Interposed.NOTHING)) {
            Kernel kernel = machine.kernel();
            Cpu cpu = kernel.machine().cpus().get(0);
            Process process = program(kernel, cpu);
            store(cpu, PAGES);
            checkContents(cpu);
            kernel.processes().exit(process);
        }
    }

    @Test
    void closingTheMachineEndsAFaultThatWaitsForMemory() throws Exception {
        HandMachine machine = boot(MEMORY, Execution.THREADED, Interposed.NOTHING.withStore(BrokenDisk::new));
        Kernel kernel = machine.kernel();
        Cpu cpu = kernel.machine().cpus().get(0);
        Process process = program(kernel, cpu);
        process.setProtected(true);
        Running running = new Running(cpu);
        running.awaitSleep(kernel, "pfault");
        machine.close();
        assertThatThrownBy(running.end::get)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        MemoryFault.class, fault -> assertThat(fault.reason()).isEqualTo(KernReturn.NOT_RECEIVER));
        assertThat(process.killReason()).contains("switched off");
    }

    @Test
    void haltingTheMachineEndsAFaultThatWaitsForMemory() {
        HandMachine machine = boot(MEMORY, Execution.THREADED, Interposed.NOTHING.withStore(BrokenDisk::new));
        Kernel kernel = machine.kernel();
        Cpu cpu = kernel.machine().cpus().get(0);
        program(kernel, cpu).setProtected(true);
        Running running = new Running(cpu);
        running.awaitSleep(kernel, "pfault");
        KernelPanic panic = new KernelPanic("on purpose");
        kernel.machine().halt(panic);
        assertThatThrownBy(running.end::get)
                .isInstanceOf(ExecutionException.class)
                .hasCause(panic);
        machine.close();
    }

    /** A policy for which the Java heap is too small. */
    private static final class Greedy implements PagePolicy {
        @Override
        public String name() {
            return "greedy";
        }

        @Override
        public void scan(PageoutPass pass) {
            throw new OutOfMemoryError("on purpose");
        }
    }

    @Test
    void anOutOfMemoryErrorInTheDaemonHaltsTheMachineAndEndsWhoWaitsForIt() {
        HandMachine machine = boot(MEMORY, Execution.THREADED, Interposed.NOTHING);
        Kernel kernel = machine.kernel();
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.addPolicy(new Greedy());
        assertThat(daemon.usePolicy("greedy")).isTrue();
        Cpu cpu = kernel.machine().cpus().get(0);
        program(kernel, cpu);
        Running running = new Running(cpu);
        assertThatThrownBy(running.end::get)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(KernelPanic.class)
                .hasRootCauseInstanceOf(OutOfMemoryError.class);
        assertThat(kernel.machine().panic()).isNotNull();
        machine.close();
    }

    @Test
    void whatAProgramThatWasToldToDieLeavesIsEnoughForTheNext() throws Exception {
        try (HandMachine machine = new HandMachine(
                new MachineSettings(MEMORY, 128, null, 2, Execution.THREADED, Fidelity.CORRECTED, true))) {
            Kernel kernel = machine.kernel();
            Process large = program(kernel, kernel.machine().cpus().get(0));
            Running running = new Running(kernel.machine().cpus().get(0));
            assertThatThrownBy(running.end::get).cause().isInstanceOfSatisfying(MemoryFault.class, fault -> assertThat(
                            fault.reason())
                    .isEqualTo(KernReturn.NOT_RECEIVER));
            kernel.processes().exit(large);
            Cpu cpu = kernel.machine().cpus().get(1);
            Process small = program(kernel, cpu);
            assertThat(store(cpu, MEMORY)).isTrue();
            assertThat(small.killed()).isFalse();
        }
    }

    /**
     * A disk that takes nothing is not tried for ever; meanwhile a file is flushed, and no slot is lost to writes that
     * failed.
     */
    @Test
    void errorsOfTheDiskKeepNobodyFromGoingOnWhenItWorksAgain() throws Exception {
        try (HandMachine machine = boot(MEMORY, Execution.THREADED, Interposed.NOTHING.withStore(BrokenDisk::new))) {
            Kernel kernel = machine.kernel();
            Cpu cpu = kernel.machine().cpus().get(0);
            DirtyFile file = new DirtyFile(kernel, kernel.machine().cpus().get(1), folder.resolve("file"));
            file.writer.setProtected(true);
            Process process = program(kernel, cpu);
            process.setProtected(true);
            Running running = new Running(cpu);
            BrokenDisk disk = disk(machine);
            while (kernel.swap().available() > 0) {
                Thread.onSpinWait();
            }
            running.awaitSleep(kernel, "pfault");
            assertThat(disk.failures.get()).isPositive();
            assertThat(process.killed()).isFalse();
            kernel.vnodes().fsync(file.vnode);
            file.check();
            disk.broken.set(false);
            assertThat(kernel.swap().swapOn(disk)).isEqualTo(KernReturn.SUCCESS);
            assertThat(running.end.get()).isTrue();
            checkContents(cpu);
            kernel.processes().exit(process);
            file.close();
            assertThat(kernel.swap().available()).isEqualTo(kernel.swap().total() - 2);
        }
    }

    /** A file of which another process has changed a page that is only in memory so far. */
    private static final class DirtyFile {
        final Kernel kernel;
        final Path path;
        final Vnode vnode;
        final Process writer;

        DirtyFile(Kernel kernel, Cpu cpu, Path path) throws IOException {
            this.kernel = kernel;
            this.path = path;
            Files.write(path, new byte[PageSize.BYTES]);
            vnode = kernel.vnodes().open("host", path.toString(), true);
            VmObject object = Objects.requireNonNull(
                    kernel.pagers().allocate(ObjectType.VNODE, vnode, PageSize.BYTES, Prot.ALL, 0, null));
            writer = kernel.processes().create("writer", new Cred(1001));
            assertThat(writer.space().insert(object, 0, BASE, BASE + PageSize.BYTES, Prot.RW, Prot.ALL, 0))
                    .isEqualTo(KernReturn.SUCCESS);
            kernel.processes().run(cpu, writer);
            store(cpu, 1);
        }

        void check() throws IOException {
            long first = ByteBuffer.wrap(Files.readAllBytes(path))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            assertThat(first).isEqualTo(~0);
        }

        void close() {
            kernel.processes().exit(writer);
            vnode.release();
        }
    }
}
