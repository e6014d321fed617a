// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.TrapHandler;
import penumbra.kern.Fidelity;
import penumbra.kern.KernReturn;
import penumbra.kern.SleepQueue;
import penumbra.page.Page;
import penumbra.page.PagingQueue;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;
import penumbra.policy.PagePolicy;
import penumbra.policy.PageoutPass;
import penumbra.vm.pageout.PageoutDaemon;

/**
 * The classical defects of page caches, planted between the layers of the machine: in some order of the threads, out of
 * a fixed series, the model, the invariants or the schedule itself find each of them.
 */
@Timeout(600)
class MutantsTest {
    private static final int MOST_SCHEDULES = 300;

    private static void kill(String defect, UnaryOperator<Interposed> planted, Consumer<Scenario> story) {
        find(defect, seed -> new Scenario(seed, planted), story);
    }

    /** Runs schedules 1, 2, ... of a story on machines that have a defect until one fails. */
    private static void find(String defect, LongFunction<Scenario> scenarios, Consumer<Scenario> story) {
        for (int seed = 1; seed <= MOST_SCHEDULES; seed++) {
            Scenario scenario = scenarios.apply(seed);
            try {
                story.accept(scenario);
                scenario.run();
            } catch (AssertionError | RuntimeException found) {
                System.out.println(defect + ": found by schedule " + seed + ": " + firstLine(found));
                return;
            }
            scenario.close();
        }
        fail(defect + " survived " + MOST_SCHEDULES + " schedules");
    }

    private static String firstLine(Throwable found) {
        return String.valueOf(found.getMessage())
                .lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .orElse("");
    }

    private static void pressure(Scenario scenario) {
        new Pressure(scenario).prepare();
    }

    private static void generations(Scenario scenario) {
        new Generations(scenario).prepare();
    }

    private static void snapshots(Scenario scenario) {
        new Snapshots(scenario).prepare();
    }

    private static void migration(Scenario scenario) {
        new Migration(scenario).prepare();
    }

    private static Consumer<Scenario> pressure(PagePolicy policy) {
        return scenario -> {
            PageoutDaemon daemon = (PageoutDaemon) scenario.kernel.pageout();
            daemon.addPolicy(policy);
            daemon.usePolicy(policy.name());
            pressure(scenario);
        };
    }

    private static UnaryOperator<Interposed> memory(UnaryOperator<PhysicalMemory> defect) {
        return real -> real.withMemory(memory -> defect.apply(real.memory().apply(memory)));
    }

    private static UnaryOperator<Interposed> machine(UnaryOperator<Machine> defect) {
        return real -> real.withMachine(machine -> defect.apply(real.machine().apply(machine)));
    }

    private static UnaryOperator<Interposed> mmu(UnaryOperator<Mmu> defect) {
        return real -> real.withMmu(mmu -> defect.apply(real.mmu().apply(mmu)));
    }

    private static UnaryOperator<Interposed> store(UnaryOperator<BackingStore> defect) {
        return real -> real.withStore(store -> defect.apply(real.store().apply(store)));
    }

    // A fault that throws leaves a page busy

    private static final class Escaped extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** The copy of a page throws now and then. */
    private static final class ThrowingCopy extends MemoryInFront {
        private final AtomicInteger copies = new AtomicInteger();

        ThrowingCopy(PhysicalMemory real) {
            super(real);
        }

        @Override
        public void copy(int fromFrame, int toFrame) {
            if (copies.incrementAndGet() % 10 == 0) {
                throw new Escaped();
            }
            super.copy(fromFrame, toFrame);
        }
    }

    /** What comes out of the fault handler is taken for an answer: try again. */
    private static final class SwallowingTrap extends MachineInFront {
        SwallowingTrap(Machine real) {
            super(real);
        }

        @Override
        public void setTrapHandler(@Nullable TrapHandler handler) {
            super.setTrapHandler(
                    handler == null
                            ? null
                            : (cpu, address, access) -> {
                                try {
                                    return handler.pageFault(cpu, address, access);
                                } catch (Escaped thrown) {
                                    return KernReturn.SUCCESS;
                                }
                            });
        }
    }

    @Test
    void aFaultThatThrowsLeavesAPageBusy() {
        kill(
                "a fault that throws leaves a page busy",
                real -> machine(SwallowingTrap::new)
                        .apply(memory(ThrowingCopy::new).apply(real)),
                MutantsTest::generations);
    }

    // A stale table removal loses an update

    /** What a mapping saw between the look at its entry and the entry's removal is lost: its modified bit. */
    private static final class StaleRemoval extends MmuInFront {
        StaleRemoval(Mmu real) {
            super(real);
        }

        @Override
        public void attach(Machine machine, PhysicalMemory memory, MmuReports reports) {
            super.attach(machine, memory, new MmuReports() {
                @Override
                public void modified(int frame) {
                    // Not.
                }

                @Override
                public void referenced(int frame) {
                    reports.referenced(frame);
                }

                @Override
                public void unmapped(int frame) {
                    reports.unmapped(frame);
                }
            });
        }
    }

    @Test
    void aStaleTableRemovalLosesAnUpdate() {
        kill("a stale table removal loses an update", mmu(StaleRemoval::new), MutantsTest::generations);
    }

    // A frame is reused while a reader still copies from it

    /** A copy returns before its second half is made, which is when the next page is copied or zeroed. */
    private static final class LateCopy extends MemoryInFront {
        private static final int HALF = PageSize.BYTES / 2;

        private int from = -1;
        private int to;

        LateCopy(PhysicalMemory real) {
            super(real);
        }

        private synchronized void finish() {
            if (from >= 0) {
                byte[] half = new byte[HALF];
                super.read(from, HALF, half, 0, HALF);
                super.write(to, HALF, half, 0, HALF);
                from = -1;
            }
        }

        @Override
        public void zero(int frame, int offset, int length) {
            finish();
            super.zero(frame, offset, length);
        }

        @Override
        public synchronized void copy(int fromFrame, int toFrame) {
            finish();
            byte[] half = new byte[HALF];
            super.read(fromFrame, 0, half, 0, HALF);
            super.write(toFrame, 0, half, 0, HALF);
            from = fromFrame;
            to = toFrame;
        }
    }

    @Test
    void aFrameIsReusedWhileAReaderStillCopiesFromIt() {
        kill("a frame is reused while a reader copies from it", memory(LateCopy::new), MutantsTest::generations);
    }

    /** A shootdown that returns at once, whatever CPUs still know. */
    private static final class NoShootdown extends MachineInFront {
        NoShootdown(Machine real) {
            super(real);
        }

        @Override
        public void invalidatePage(int asid, long page) {
            // Not.
        }

        @Override
        public void invalidateRange(int asid, long start, long end) {
            // Not.
        }
    }

    @Test
    void aFrameIsReusedWhileACpuStillReachesIt() {
        kill("a frame is reused while a CPU reaches it", machine(NoShootdown::new), MutantsTest::pressure);
    }

    @Test
    void aForkedPageIsStillWrittenByACpu() {
        kill("a forked page is still written by a CPU", machine(NoShootdown::new), MutantsTest::snapshots);
    }

    /**
     * FreeBSD 10.0's own: who shares an object keeps a mapping of the page that a copy in it has hidden
     * (CVE-2021-29626).
     */
    @Test
    void aPageThatWasCopiedStaysMappedBySharers() {
        find(
                "a page that was copied stays mapped by sharers",
                seed -> new Scenario(seed, UnaryOperator.identity(), Fidelity.ORIGINAL),
                scenario -> new Sharers(scenario).prepare());
    }

    /** Spaces in which a mapping once writeable stays so. */
    private static final class NoProtection extends MmuInFront {
        NoProtection(Mmu real) {
            super(real);
        }

        @Override
        public MmuSpace create(int asid) {
            MmuSpace real = super.create(asid);
            return (MmuSpace) Proxy.newProxyInstance(
                    MmuSpace.class.getClassLoader(), new Class<?>[] {MmuSpace.class}, (self, method, arguments) -> {
                        // Copying at fork is optional, and would need the source behind its proxy.
                        boolean omitted = method.getName().equals("protect")
                                || method.getName().equals("copy");
                        try {
                            return omitted ? null : method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }

    @Test
    void aForkedPageStaysWriteable() {
        kill("a forked page stays writeable", mmu(NoProtection::new), MutantsTest::snapshots);
    }

    // Flush and eviction

    /** A write that has happened when the next one begins. */
    private static final class LateWrite extends ForwardingStore<BackingStore> {
        private long slot = -1;
        private ByteBuffer late = ByteBuffer.allocate(0);

        LateWrite(BackingStore real) {
            super(real);
        }

        @Override
        public void write(long toSlot, ByteBuffer from) throws IOException {
            if (slot >= 0) {
                super.write(slot, late);
            }
            slot = toSlot;
            late = ByteBuffer.allocateDirect(from.remaining() + PageSize.BYTES).alignedSlice(PageSize.BYTES);
            late.limit(from.remaining()).put(from).flip();
        }
    }

    @Test
    void aPageIsEvictedBeforeItsFlushHasEnded() {
        kill("a page is evicted before its flush has ended", store(LateWrite::new), MutantsTest::pressure);
    }

    /** A policy that does not ask whether a page is being written, nor whether it is dirty. */
    private static final class Careless implements PagePolicy {
        @Override
        public String name() {
            return "careless";
        }

        @Override
        public void scan(PageoutPass pass) {
            try (PagingQueue.Cursor cursor = pass.active().scan()) {
                @Nullable Page page = cursor.next();
                for (int i = 0; page != null && i < pass.shortage(); i++) {
                    if (pass.tryOwn(cursor, page)) {
                        pass.removeMappings(page);
                        pass.free(page);
                        pass.disown(page);
                    }
                    page = cursor.next();
                }
            }
        }
    }

    @Test
    void aPageIsEvictedWhateverItContains() {
        kill("a page is evicted whatever it contains", UnaryOperator.identity(), pressure(new Careless()));
    }

    // Waiting for memory

    /** A wake-up is lost now and then: who waits for a free page is not told that there is one. */
    private static final class LostWakeups extends MachineInFront {
        private final AtomicInteger wakeups = new AtomicInteger();

        LostWakeups(Machine real) {
            super(real);
        }

        @Override
        public SleepQueue sleepQueue() {
            return new SleepQueueInFront(super.sleepQueue()) {
                @Override
                public void wakeup(Object channel) {
                    if (wakeups.incrementAndGet() % 5 != 0) {
                        super.wakeup(channel);
                    }
                }
            };
        }
    }

    @Test
    void aWaitForAFreePageIsNotEnded() {
        kill("a wait for a free page is not ended", machine(LostWakeups::new), MutantsTest::pressure);
    }

    @Test
    void aProcessWaitsForAMoverThatHasGoneOn() {
        kill("a process waits for a mover that has gone on", machine(LostWakeups::new), MutantsTest::migration);
    }

    /** A daemon that died of an error of its own, or gave up. */
    private static final class GivenUp implements PagePolicy {
        @Override
        public String name() {
            return "given up";
        }

        @Override
        public void scan(PageoutPass pass) {
            // Not any more.
        }
    }

    @Test
    void theDaemonGivesUpForWantOfMemory() {
        kill("the daemon gives up for want of memory", UnaryOperator.identity(), pressure(new GivenUp()));
    }

    /** A store whose failed writes are reported as done, so that the daemon need not try again and flushes can end. */
    private static final class SwallowedErrors extends ForwardingStore<BackingStore> {
        private final AtomicInteger writes = new AtomicInteger();

        SwallowedErrors(BackingStore real) {
            super(real);
        }

        @Override
        public void write(long slot, ByteBuffer from) throws IOException {
            if (writes.incrementAndGet() % 10 != 0) {
                super.write(slot, from);
            } else {
                from.position(from.limit());
            }
        }
    }

    @Test
    void anIoErrorIsSwallowed() {
        kill("an I/O error is swallowed", store(SwallowedErrors::new), MutantsTest::pressure);
    }

    @Test
    void aPageIsMovedThatWasNeverWritten() {
        kill("a page is moved that was never written", store(SwallowedErrors::new), MutantsTest::migration);
    }
}
