// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.vm.pageout.PageoutDaemon;

/**
 * Trees of processes, several at once, in a memory that holds a small part of them (after FreeBSD's stress2
 * {@code collapse.sh}). They grow for as long as {@code -Dpenumbra.trees.seconds} says; what they have found is judged
 * whenever all are gone.
 */
class ForkTreesTest {
    private static final int TREES = 4;
    private static final int CPUS = 10;
    private static final int MEMORY_PAGES = 400;
    private static final long SWAP_PAGES = 32_768;

    /** What must have happened for a run to mean something. */
    private static final Set<String> EXPECTED = Set.of(
            "vm.stats.object.collapses",
            "vm.stats.object.bypasses",
            "vm.stats.vm.v_cow_faults",
            "vm.stats.vm.v_swappgsin",
            "vm.stats.vm.v_swappgsout");

    @Test
    void everyProcessReadsWhatItShouldWhileChainsCollapse() {
        long seed = Long.getLong("penumbra.seed", System.nanoTime());
        long seconds = Long.getLong("penumbra.trees.seconds", 60);
        System.out.println("ForkTreesTest: -Dpenumbra.seed=" + seed + " -Dpenumbra.trees.seconds=" + seconds);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        BooleanSupplier growing = () -> System.nanoTime() < deadline;
        try (HandMachine machine = new HandMachine(settings())) {
            Kernel kernel = machine.kernel();
            long processes = 0;
            int rounds = 0;
            do {
                processes += grow(kernel, seed + rounds * TREES, growing);
                rounds++;
                verifyAtRest(kernel);
            } while (growing.getAsBoolean());
            Map<String, Long> counts = new TreeMap<>();
            kernel.counters().forEach(source -> source.forEach(counts::put));
            counts.keySet().retainAll(EXPECTED);
            System.out.println("ForkTreesTest: " + processes + " processes in " + rounds + " rounds, " + counts);
            assertThat(processes).isGreaterThan(TREES);
            assertThat(counts).hasSize(EXPECTED.size()).values().allSatisfy(count -> assertThat(count)
                    .isPositive());
        }
    }

    /** The same on a machine that loses the end of each page that it copies. */
    @Test
    void aPageCopiedInPartIsFound() {
        Interposed forgetful = Interposed.NOTHING.withMemory(real -> (PhysicalMemory) Proxy.newProxyInstance(
                PhysicalMemory.class.getClassLoader(),
                new Class<?>[] {PhysicalMemory.class},
                (self, method, arguments) -> {
                    Object result = method.invoke(real, arguments);
                    if (method.getName().equals("copy")) {
                        real.store((int) arguments[1], PageSize.BYTES - Long.BYTES, Long.BYTES, 0);
                    }
                    return result;
                }));
        try (HandMachine machine = new HandMachine(settings(), forgetful)) {
            assertThatThrownBy(() -> grow(machine.kernel(), 1, () -> true))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining(" and 0, expected ");
        }
    }

    private static MachineSettings settings() {
        return new MachineSettings(MEMORY_PAGES, SWAP_PAGES, null, CPUS, Execution.THREADED, Fidelity.CORRECTED, true);
    }

    /** Lets the trees of one round live and die; returns how many processes there were. */
    private static long grow(Kernel kernel, long seed, BooleanSupplier growing) {
        Crew crew = new Crew();
        BlockingQueue<Cpu> idle = new LinkedBlockingQueue<>(kernel.machine().cpus());
        Tree tree = new Tree(kernel, crew, idle, growing);
        for (int i = 0; i < TREES; i++) {
            Cpu cpu = idle.remove();
            long own = seed + i;
            crew.start("tree " + i, () -> {
                tree.grow(cpu, own);
                idle.add(cpu);
            });
        }
        crew.join();
        return tree.processes();
    }

    /** With no process and no daemon at work, nothing may be left and everything must agree. */
    private static void verifyAtRest(Kernel kernel) {
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.stop();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        assertThat(kernel.accounting().reserved()).isZero();
        assertThat(kernel.pages().counts().available()).isEqualTo(MEMORY_PAGES);
        daemon.start();
    }
}
