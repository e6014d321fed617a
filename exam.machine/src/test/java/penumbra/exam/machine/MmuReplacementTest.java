// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.HashMmu;
import penumbra.hw.Mmu;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PmapSystem;
import penumbra.hw.Prot;
import penumbra.hw.riscv.RiscvMmu;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.map.MapFlags;
import penumbra.object.VmObject;
import penumbra.process.Process;
import penumbra.vm.pageout.PageoutDaemon;
import penumbra.vm.pmap.PmapLayer;

/**
 * The MMU is replaced again and again while programs with wired memory fault, write, fork and exit in a machine that is
 * too small for them. What every page must hold is known from arrays that share nothing with the VM; since memory is
 * short, a page whose modified bit got lost in a replacement is soon dropped and comes back with old contents.
 *
 * <p>{@code -Dpenumbra.mmus=1000} makes a long run of it, {@code -Dpenumbra.seed=N} repeats one.
 */
@Timeout(1800)
class MmuReplacementTest {
    private static final int CPUS = 4;
    private static final int MEMORY = 320;
    private static final int PAGES = 120;
    private static final int WIRED = 6;
    private static final int SLOTS = 8_000;
    private static final int DEPTH = 3;
    private static final int BURST = 24;
    private static final long BASE = 1 << 20;
    private static final Cred USER = new Cred(1001);

    private final int replacements = Integer.getInteger("penumbra.mmus", 100);
    private final long seed = Long.getLong("penumbra.seed", System.nanoTime());
    /** Handed out by the programs as they go on; a replacement takes some. */
    private final Semaphore progress = new Semaphore(0);
    /** Everybody comes here twice for each look at the machine. */
    private final CyclicBarrier rest = new CyclicBarrier(CPUS + 1);

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean pausing;
    private volatile boolean done;
    private HandMachine machine;
    private Kernel kernel;

    private void boot(int cpus, Execution execution) {
        machine = new HandMachine(new MachineSettings(MEMORY, SLOTS, null, cpus, execution, Fidelity.CORRECTED, true));
        kernel = machine.kernel();
    }

    @AfterEach
    void switchOff() {
        machine.close();
    }

    /** One program with what each page must hold; 0 for untouched ones, as the memory itself. */
    private final class Program {
        final Process process;
        final long[] tags;

        Program(Process process, long[] tags) {
            this.process = process;
            this.tags = tags;
        }

        void access(Cpu cpu, SplittableRandom random) {
            kernel.processes().run(cpu, process);
            cpu.enterUser();
            try {
                for (int i = 0; i < BURST; i++) {
                    int page = random.nextInt(PAGES);
                    if (random.nextInt(3) == 0) {
                        store(cpu, page, random.nextLong());
                    } else {
                        check(cpu, page);
                    }
                }
            } finally {
                cpu.leaveUser();
            }
        }

        void store(Cpu cpu, int page, long tag) {
            cpu.store(BASE + PageSize.bytes(page), Long.BYTES, tag);
            tags[page] = tag;
        }

        void check(Cpu cpu, int page) {
            long found = cpu.load(BASE + PageSize.bytes(page), Long.BYTES);
            if (found != tags[page]) {
                throw new AssertionError(
                        String.format("%s page %d holds %x, not %x; seed %d", process, page, found, tags[page], seed));
            }
        }

        void checkAll(Cpu cpu) {
            kernel.processes().run(cpu, process);
            cpu.enterUser();
            try {
                for (int page = 0; page < PAGES; page++) {
                    check(cpu, page);
                }
            } finally {
                cpu.leaveUser();
            }
        }
    }

    /** A program whose first pages are wired. */
    private Program start(int number) {
        Process process = kernel.processes().create("program " + number, USER);
        long end = BASE + PageSize.bytes(PAGES);
        assertThat(process.space().insert(null, 0, BASE, end, Prot.RW, Prot.ALL, 0))
                .isEqualTo(KernReturn.SUCCESS);
        assertThat(process.space().wire(BASE, BASE + PageSize.bytes(WIRED), MapFlags.WIRE_USER))
                .isEqualTo(KernReturn.SUCCESS);
        return new Program(process, new long[PAGES]);
    }

    private void serve(Cpu cpu, Program program) {
        try {
            run(cpu, new SplittableRandom(seed + cpu.number()), program, 0);
            program.checkAll(cpu);
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
        }
        while (!done) {
            progress.release();
            pauseIfAsked();
        }
    }

    /** Lets a program and its children run; returns when all is done, or sooner. */
    private void run(Cpu cpu, SplittableRandom random, Program program, int depth) {
        int turns = depth == 0 ? Integer.MAX_VALUE : 4 + random.nextInt(20);
        for (int i = 0; i < turns && !done; i++) {
            program.access(cpu, random);
            progress.release();
            pauseIfAsked();
            if (depth < DEPTH && random.nextInt(12) == 0) {
                Process forked = kernel.processes().fork(program.process, "child of " + program.process.pid());
                Program child = new Program(Objects.requireNonNull(forked), program.tags.clone());
                run(cpu, random, child, depth + 1);
                kernel.processes().run(cpu, program.process);
                kernel.processes().exit(child.process);
            }
        }
    }

    private void pauseIfAsked() {
        if (pausing) {
            await();
            await();
        }
    }

    private void await() {
        try {
            rest.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Looks at the machine while nobody runs, not even the page daemon. */
    private void inspect(List<Program> programs, String when) {
        pausing = true;
        await();
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.stop();
        awaitWrites();
        try {
            assertThat(failure.get()).as(when).isNull();
            for (Program program : programs) {
                assertThat(program.process.space().pmap().wiredCount()).as(when).isEqualTo(WIRED);
            }
            assertThat(kernel.checkInvariants(List.of()).messages()).as(when).isEmpty();
        } finally {
            daemon.start();
            pausing = false;
            await();
        }
    }

    /**
     * The daemon does not wait for what it has written out last; an object's paging in progress lasts as long as that.
     */
    private void awaitWrites() {
        List<VmObject> objects = new ArrayList<>();
        kernel.objects().forEach(objects::add);
        for (VmObject object : objects) {
            object.lock().lock();
            object.pipWait("rest");
            object.lock().unlock();
        }
    }

    @Test
    void nothingIsLostWhileProgramsRun() throws Exception {
        System.out.println("MMU replacements: " + replacements + ", seed " + seed);
        boot(CPUS, Execution.THREADED);
        PmapSystem pmaps = kernel.pmaps();
        ((PmapLayer) pmaps).addMmu(new HashMmu());
        List<Program> programs = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (Cpu cpu : kernel.machine().cpus()) {
            Program program = start(cpu.number());
            programs.add(program);
            Thread thread = new Thread(() -> serve(cpu, program), "cpu " + cpu.number());
            thread.setDaemon(true);
            threads.add(thread);
        }
        threads.forEach(Thread::start);
        SplittableRandom random = new SplittableRandom(seed - 1);
        List<String> mmus = pmaps.mmuNames();
        assertThat(mmus).hasSize(3);
        try {
            for (int i = 1; i <= replacements; i++) {
                progress.acquire(CPUS * 4 + random.nextInt(12));
                String name = mmus.get(i % mmus.size());
                assertThat(pmaps.useMmu(name)).isTrue();
                progress.acquire(random.nextInt(8));
                inspect(programs, "replacement " + i + " by " + name + ", seed " + seed);
            }
        } finally {
            done = true;
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(failure.get()).isNull();
        assertThat(pmaps.mmuSwitches()).isEqualTo(replacements);
        assertThat(kernel.pageout().laundered())
                .as("pages written under pressure")
                .isPositive();
        programs.forEach(program -> kernel.processes().exit(program.process));
        assertThat(kernel.machine().panic()).isNull();
    }

    /** An MMU of RISC-V whose spaces fail when somebody looks through them. */
    private static final class Brittle {
        final Mmu mmu;

        @Nullable
        String fails;

        Brittle() {
            mmu = breakable(Mmu.class, new RiscvMmu());
        }

        private <T> T breakable(Class<T> type, T real) {
            return type.cast(
                    Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                        if (method.getName().equals("name")) {
                            return "brittle";
                        }
                        if (method.getName().equals(fails)) {
                            throw new IllegalStateException("test: " + fails);
                        }
                        try {
                            Object result = method.invoke(real, arguments);
                            return result instanceof MmuSpace space ? breakable(MmuSpace.class, space) : result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    }));
        }
    }

    /** What was written before the failure comes back from the backing store afterwards. */
    @ParameterizedTest
    @ValueSource(strings = {"forEach", "detach", "walk", "enter", "removeAll"})
    void anMmuThatFailsLosesNoModification(String method) {
        boot(1, Execution.STEPPED);
        Brittle brittle = new Brittle();
        ((PmapLayer) kernel.pmaps()).addMmu(brittle.mmu);
        Cpu cpu = kernel.machine().cpus().get(0);
        Program program = start(0);
        Program other = start(1);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 40; i++) {
            program.access(cpu, random);
            other.access(cpu, random);
        }
        assertThat(kernel.pmaps().useMmu("brittle")).isTrue();
        for (int i = 0; i < 40; i++) {
            program.access(cpu, random);
            other.access(cpu, random);
        }
        brittle.fails = method;
        if (method.equals("forEach") || method.equals("detach")) {
            assertThat(kernel.pmaps().useMmu("amd64")).isTrue();
        }
        for (int i = 0; i < 200; i++) {
            program.access(cpu, random);
            other.access(cpu, random);
        }
        // Enough to push everything of the first two out once.
        List<Program> crowd = List.of(start(2), start(3), start(4));
        for (Program each : crowd) {
            kernel.processes().run(cpu, each.process);
            cpu.enterUser();
            for (int page = 0; page < PAGES; page++) {
                each.store(cpu, page, random.nextLong());
            }
            cpu.leaveUser();
        }
        assertThat(kernel.pmaps().mmuName()).isEqualTo("amd64");
        assertThat(kernel.pmaps().mmuNames()).containsExactly("amd64", "riscv");
        program.checkAll(cpu);
        other.checkAll(cpu);
        crowd.forEach(each -> each.checkAll(cpu));
        assertThat(kernel.pageout().laundered()).isPositive();
        assertThat(kernel.machine().panic()).isNull();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        program.process.space().unwire(BASE, BASE + PageSize.bytes(WIRED), MapFlags.WIRE_USER);
        kernel.processes().exit(program.process);
        kernel.processes().exit(other.process);
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }
}
