// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.account.Cred;
import penumbra.boot.Kernel;
import penumbra.boot.MachineSettings;
import penumbra.hw.Cpu;
import penumbra.hw.MemoryFault;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.WouldBlock;
import penumbra.map.MapFlags;
import penumbra.policy.PagePolicy;
import penumbra.policy.PageoutPass;
import penumbra.process.Process;
import penumbra.vm.pageout.PageoutDaemon;

/** The page daemon on whole machines: under pressure, with policies that fail, and when nothing is left. */
@Timeout(120)
class PageDaemonTest {
    private static final int MEMORY = 123;
    private static final int TOUCHED = 400;
    private static final int WIRED = 20;
    private static final long BASE = 1 << 20;
    private static final Cred USER = new Cred(1001);

    private HandMachine machine;
    private Kernel kernel;

    private Cpu boot(Execution execution, long swapPages) {
        machine = new HandMachine(new MachineSettings(MEMORY, swapPages, null, 1, execution, Fidelity.CORRECTED, true));
        kernel = machine.kernel();
        return kernel.machine().cpus().get(0);
    }

    @AfterEach
    void switchOff() {
        machine.close();
    }

    private Process program(Cpu cpu, String name) {
        Process process = kernel.processes().create(name, USER);
        KernReturn mapped = process.space().insert(null, 0, BASE, BASE + PageSize.bytes(TOUCHED), Prot.RW, Prot.ALL, 0);
        assertThat(mapped).isEqualTo(KernReturn.SUCCESS);
        kernel.processes().run(cpu, process);
        return process;
    }

    private static void store(Cpu cpu, int from, int to) {
        cpu.enterUser();
        try {
            for (int page = from; page < to; page++) {
                cpu.store(BASE + PageSize.bytes(page), Long.BYTES, ~page);
            }
        } finally {
            cpu.leaveUser();
        }
    }

    @ParameterizedTest
    @EnumSource
    void memoryOfThreeTimesTheMachineKeepsItsContents(Execution execution) {
        Cpu cpu = boot(execution, 1024);
        Process process = program(cpu, "large");
        store(cpu, 0, TOUCHED);
        cpu.enterUser();
        for (int page = 0; page < TOUCHED; page++) {
            assertThat(cpu.load(BASE + PageSize.bytes(page), Long.BYTES)).isEqualTo(~page);
        }
        cpu.leaveUser();
        assertThat(kernel.pageout().passes()).isPositive();
        assertThat(kernel.pageout().laundered()).isGreaterThan(TOUCHED - MEMORY);
        kernel.processes().exit(process);
        if (execution == Execution.STEPPED) {
            assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
        }
    }

    /** The fork holds the map; on a machine of one thread the daemon writes pages out all the same. */
    @Test
    void aForkOfWiredMemoryWaitsForTheDaemonWithTheMapLocked() {
        Cpu cpu = boot(Execution.STEPPED, 1024);
        Process process = program(cpu, "wired");
        store(cpu, 0, TOUCHED);
        KernReturn wired = process.space().wire(BASE, BASE + PageSize.bytes(WIRED), MapFlags.WIRE_USER);
        assertThat(wired).isEqualTo(KernReturn.SUCCESS);
        long laundered = kernel.pageout().laundered();
        List<Process> children = new ArrayList<>();
        while (kernel.pageout().laundered() == laundered) {
            children.add(Objects.requireNonNull(kernel.processes().fork(process, "child")));
        }
        for (Process child : children) {
            kernel.processes().run(cpu, child);
            cpu.enterUser();
            for (int page = 0; page < WIRED; page++) {
                assertThat(cpu.load(BASE + PageSize.bytes(page), Long.BYTES)).isEqualTo(~page);
            }
            cpu.leaveUser();
        }
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }

    /** A policy that fails at its first page, holding that page's owner. */
    private static final class Broken implements PagePolicy {
        @Override
        public String name() {
            return "broken";
        }

        @Override
        public void scan(PageoutPass pass) {
            var cursor = pass.active().scan();
            var page = cursor.next();
            if (page != null && pass.tryOwn(cursor, page)) {
                throw new IllegalStateException("on purpose");
            }
        }
    }

    @Test
    void aPolicyThatThrowsIsReplacedAndHoldsNothing() {
        Cpu cpu = boot(Execution.STEPPED, 1024);
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.addPolicy(new Broken());
        assertThat(daemon.usePolicy("nosuch")).isFalse();
        assertThat(daemon.usePolicy("broken")).isTrue();
        program(cpu, "large");
        store(cpu, 0, TOUCHED);
        assertThat(daemon.policy()).isEqualTo("freebsd10");
        assertThat(daemon.usePolicy("broken")).isFalse();
        assertThat(kernel.checkInvariants(List.of()).messages()).isEmpty();
    }

    /** A policy that stays in its first scan until it is let go. */
    private static final class Slow implements PagePolicy {
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        volatile boolean ended;

        @Override
        public String name() {
            return "slow";
        }

        @Override
        public void scan(PageoutPass pass) {
            begun.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            ended = true;
        }
    }

    @Test
    void aPolicyThatLeavesIsWaitedForWhileItScans() throws InterruptedException {
        boot(Execution.STEPPED, 1024);
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        Slow slow = new Slow();
        daemon.addPolicy(slow);
        daemon.usePolicy("slow");
        Thread scanner = new Thread(() -> daemon.scan(1));
        scanner.start();
        slow.begun.await();
        AtomicBoolean endedWhenItWasGone = new AtomicBoolean();
        AtomicBoolean keptItsInterrupt = new AtomicBoolean();
        Thread remover = new Thread(() -> {
            daemon.removePolicy(slow);
            endedWhenItWasGone.set(slow.ended);
            keptItsInterrupt.set(Thread.currentThread().isInterrupted());
        });
        remover.start();
        while (remover.getState() != Thread.State.WAITING) {
            assertThat(remover.isAlive()).as("the removal waits").isTrue();
            Thread.onSpinWait();
        }
        remover.interrupt();
        assertThat(daemon.policy()).as("for the next scan").isEqualTo("freebsd10");
        slow.goOn.countDown();
        remover.join();
        scanner.join();
        assertThat(endedWhenItWasGone).isTrue();
        assertThat(keptItsInterrupt).isTrue();
    }

    /** A policy that has the daemon forget it in the middle of its scan. */
    private static final class Quitter implements PagePolicy {
        private final PageoutDaemon daemon;

        Quitter(PageoutDaemon daemon) {
            this.daemon = daemon;
        }

        @Override
        public String name() {
            return "quitter";
        }

        @Override
        public void scan(PageoutPass pass) {
            daemon.removePolicy(this);
        }
    }

    @Test
    void aPolicyMayLeaveInTheMiddleOfItsOwnScan() {
        boot(Execution.STEPPED, 1024);
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        daemon.addPolicy(new Quitter(daemon));
        daemon.usePolicy("quitter");
        daemon.scan(1);
        assertThat(daemon.policy()).isEqualTo("freebsd10");
    }

    private static PagePolicy named(String name) {
        return new PagePolicy() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void scan(PageoutPass pass) {
                // Takes nothing.
            }
        };
    }

    @Test
    void whatTheOperatorAskedForStandsWhicheverPoliciesComeAndGo() {
        boot(Execution.STEPPED, 1024);
        PageoutDaemon daemon = (PageoutDaemon) kernel.pageout();
        PagePolicy configured = named("configured");
        PagePolicy chosen = named("chosen");
        daemon.configurePolicy("configured");
        assertThat(daemon.policy()).as("while there is no other").isEqualTo("freebsd10");
        daemon.addPolicy(configured);
        assertThat(daemon.policy()).isEqualTo("configured");
        daemon.addPolicy(chosen);
        assertThat(daemon.policy()).as("as nobody asked").isEqualTo("configured");
        assertThat(daemon.usePolicy("chosen")).isTrue();
        daemon.removePolicy(configured);
        daemon.addPolicy(configured);
        daemon.addPolicy(named("another"));
        daemon.configurePolicy("configured");
        assertThat(daemon.policy()).as("as nothing new is configured").isEqualTo("chosen");
        daemon.removePolicy(chosen);
        assertThat(daemon.policy()).isEqualTo("configured");
        daemon.addPolicy(chosen);
        assertThat(daemon.policy()).as("back again").isEqualTo("chosen");
        daemon.configurePolicy("another");
        assertThat(daemon.policy()).as("the latest word").isEqualTo("another");
        PagePolicy successor = named("another");
        daemon.addPolicy(successor);
        daemon.removePolicy(successor);
        assertThat(daemon.policy()).as("its predecessor is still there").isEqualTo("another");
    }

    @Test
    void whenNothingIsLeftTheLargestProcessIsToldToDie() {
        Cpu cpu = boot(Execution.STEPPED, 64);
        Process small = program(cpu, "small");
        store(cpu, 0, 4);
        Process large = program(cpu, "large");
        assertThatThrownBy(() -> store(cpu, 0, TOUCHED))
                .satisfiesAnyOf(
                        thrown -> assertThat(thrown).isInstanceOf(MemoryFault.class),
                        thrown -> assertThat(thrown).isInstanceOf(WouldBlock.class));
        assertThat(large.killed()).isTrue();
        assertThat(large.killReason()).contains("out of memory", "large", "swap slots");
        assertThat(small.killed()).isFalse();
    }
}
