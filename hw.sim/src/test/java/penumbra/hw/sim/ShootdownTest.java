// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelPanic;

/** CPUs on threads of their own, and what a shootdown promises about them. */
class ShootdownTest {
    private static final int CPUS = 3;
    private static final int PAGES = 16;
    private static final int ROUNDS = 3000;

    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(4 * PAGES));
    private final int first = memory.segments().get(0).firstFrame();
    private final SimMachine machine = new SimMachine(memory, MachineSettings.threaded(CPUS));
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicBoolean stop = new AtomicBoolean();
    /** Programs of {@link #run} that have not stored anything yet. */
    private final CountDownLatch starting = new CountDownLatch(CPUS);

    @AfterEach
    void giveBack() {
        threads.shutdownNow();
        memory.close();
    }

    /**
     * Programs store to pages all the time. A page is taken away, and when the shootdown has returned, its frame is
     * filled with a mark that must never change while nothing maps it: also not by a store that was under way.
     */
    @Test
    void nobodyStoresThroughARemovedTranslation() throws Exception {
        PlainSpace space = new PlainSpace(1);
        machine.setTrapHandler((on, address, access) -> {
            while (!space.tables.containsKey(PageSize.index(address))) {
                Thread.onSpinWait();
            }
            return KernReturn.SUCCESS;
        });
        for (long page = 0; page < PAGES; page++) {
            space.map(page, first + (int) page, Prot.RW);
        }
        AtomicLong stores = new AtomicLong();
        List<Future<?>> programs = new ArrayList<>();
        for (int number = 0; number < CPUS; number++) {
            programs.add(run(number, space, stores));
        }
        starting.await();
        long seed = System.nanoTime();
        System.out.println("ShootdownTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            long page = random.nextInt(PAGES);
            int frame = first + (int) page;
            space.tables.remove(page);
            switch (random.nextInt(3)) {
                case 0 -> machine.invalidatePage(1, page);
                case 1 -> machine.invalidateRange(1, page, page + 1);
                default -> machine.invalidateSpace(1);
            }
            for (int offset = 0; offset < PageSize.BYTES; offset += 8) {
                memory.store(frame, offset, 8, -1L);
            }
            for (int offset = 0; offset < PageSize.BYTES; offset += 8) {
                assertThat(memory.load(frame, offset, 8))
                        .as("seed %d round %d offset %d", seed, round, offset)
                        .isEqualTo(-1L);
            }
            space.map(page, frame, Prot.RW);
        }
        stop.set(true);
        for (Future<?> program : programs) {
            program.get();
        }
        assertThat(stores.get()).isPositive();
    }

    private Future<?> run(int number, PlainSpace space, AtomicLong stores) {
        return threads.submit(() -> {
            SplittableRandom random = new SplittableRandom(number);
            Cpu cpu = machine.cpus().get(number);
            cpu.activate(space);
            cpu.enterUser();
            byte[] wholePage = new byte[PageSize.BYTES];
            long done = 0;
            do {
                long page = (long) random.nextInt(PAGES) * PageSize.BYTES;
                if (random.nextBoolean()) {
                    cpu.store(page + 8 * random.nextInt(511), 8, number);
                } else {
                    cpu.store(page, wholePage, 0, wholePage.length);
                }
                if (done++ == 0) {
                    starting.countDown();
                }
            } while (!stop.get());
            cpu.leaveUser();
            stores.addAndGet(done);
        });
    }

    /**
     * Programs whose faults shoot down a page of the next CPU's: all get on, since none waits for another. Each has every
     * {@link #CPUS}th page, and each fault takes away the page that it stores to next, too, so that every store is one.
     */
    @Test
    void shootersDoNotWaitForEachOther() throws Exception {
        int pagesEach = PAGES / CPUS;
        int pages = pagesEach * CPUS;
        PlainSpace space = new PlainSpace(1);
        machine.setTrapHandler((on, address, access) -> {
            long page = PageSize.index(address);
            shoot(space, (page + 1) % pages);
            shoot(space, (page + CPUS) % pages);
            space.map(page, first + (int) page, Prot.RW);
            return KernReturn.SUCCESS;
        });
        List<Future<?>> programs = new ArrayList<>();
        for (int number = 0; number < CPUS; number++) {
            int mine = number;
            programs.add(threads.submit(() -> {
                Cpu cpu = machine.cpus().get(mine);
                cpu.activate(space);
                cpu.enterUser();
                for (int i = 0; i < ROUNDS; i++) {
                    cpu.store(PageSize.bytes(i % pagesEach * CPUS + mine), 8, i);
                }
                cpu.leaveUser();
            }));
        }
        for (Future<?> program : programs) {
            program.get();
        }
        assertThat(machine.cpus()).allMatch(cpu -> cpu.traps() >= ROUNDS);
    }

    private void shoot(PlainSpace space, long page) {
        space.tables.remove(page);
        machine.invalidatePage(1, page);
    }

    /** A CPU in the kernel holds nobody up, and knows when it comes back what happened meanwhile. */
    @Test
    void aCpuInTheKernelIsNotWaitedFor() throws Exception {
        PlainSpace space = new PlainSpace(1);
        space.map(0, first, Prot.RW);
        CountDownLatch inKernel = new CountDownLatch(1);
        CountDownLatch shot = new CountDownLatch(1);
        machine.setTrapHandler((on, address, access) -> {
            inKernel.countDown();
            await(shot);
            space.map(1, first + 1, Prot.RW);
            return KernReturn.SUCCESS;
        });
        memory.store(first + 2, 0, 8, 77);
        Future<Long> program = threads.submit(() -> {
            Cpu cpu = machine.cpus().get(0);
            cpu.activate(space);
            cpu.enterUser();
            cpu.load(0, 8);
            cpu.load(PageSize.BYTES, 8);
            long value = cpu.load(0, 8);
            cpu.leaveUser();
            return value;
        });
        inKernel.await();
        space.map(0, first + 2, Prot.RW);
        machine.invalidatePage(1, 0);
        shot.countDown();
        assertThat(program.get()).isEqualTo(77);
    }

    /** The thread that drives a CPU in user mode may shoot: it is not in the middle of an access. */
    @Test
    void aProgramMayShootForItself() {
        PlainSpace space = new PlainSpace(1);
        space.map(0, first, Prot.RW);
        Cpu cpu = machine.cpus().get(0);
        cpu.activate(space);
        cpu.enterUser();
        cpu.store(0, 8, 5);
        space.map(0, first + 1, Prot.RW);
        machine.invalidateAll();
        assertThat(cpu.load(0, 8)).isZero();
        int[] ran = {0};
        machine.stopped(() -> ran[0]++);
        assertThat(ran[0]).isEqualTo(1);
        cpu.leaveUser();
    }

    /** A CPU is not disturbed for a space that it does not run, and knows what happened there when it comes back. */
    @Test
    void aCpuInAnotherSpaceLearnsOfAShootdownBeforeItReturns() throws Exception {
        PlainSpace shot = new PlainSpace(1);
        PlainSpace other = new PlainSpace(2);
        shot.map(0, first, Prot.RW);
        other.map(0, first + 1, Prot.RW);
        memory.store(first + 2, 0, 8, 77);
        Cpu cpu = machine.cpus().get(0);
        cpu.activate(shot);
        cpu.enterUser();
        cpu.store(0, 8, 5);
        cpu.leaveUser();
        cpu.activate(other);
        cpu.enterUser();
        cpu.store(0, 8, 6);
        shot.map(0, first + 2, Prot.RW);
        // By another thread, which would have to wait for a CPU that runs the space.
        threads.submit(() -> machine.invalidatePage(1, 0)).get();
        long hits = cpu.tlbHits();
        assertThat(cpu.load(0, 8)).isEqualTo(6);
        assertThat(cpu.tlbHits()).isEqualTo(hits + 1);
        cpu.leaveUser();
        cpu.activate(shot);
        cpu.enterUser();
        assertThat(cpu.load(0, 8)).isEqualTo(77);
        cpu.leaveUser();
    }

    /** While the machine is stopped no access is made; afterwards nothing old is known. */
    @Test
    void stoppedMeansStopped() throws Exception {
        PlainSpace space = new PlainSpace(1);
        for (long page = 0; page < PAGES; page++) {
            space.map(page, first + (int) page, Prot.RW);
        }
        AtomicLong stores = new AtomicLong();
        List<Future<?>> programs = new ArrayList<>();
        for (int number = 0; number < CPUS; number++) {
            programs.add(run(number, space, stores));
        }
        starting.await();
        for (int round = 1; round <= 200; round++) {
            int base = first + (round & 1) * PAGES;
            machine.stopped(() -> {
                byte[] before = contents();
                for (long page = 0; page < PAGES; page++) {
                    space.map(page, base + (int) page, Prot.RW);
                }
                for (int i = 0; i < 20; i++) {
                    assertThat(contents()).isEqualTo(before);
                }
            });
        }
        stop.set(true);
        for (Future<?> program : programs) {
            program.get();
        }
    }

    private byte[] contents() {
        byte[] all = new byte[2 * PAGES * PageSize.BYTES];
        for (int i = 0; i < 2 * PAGES; i++) {
            memory.read(first + i, 0, all, i * PageSize.BYTES, PageSize.BYTES);
        }
        return all;
    }

    @Test
    void haltEndsEveryProgram() throws Exception {
        PlainSpace space = new PlainSpace(1);
        for (long page = 0; page < PAGES; page++) {
            space.map(page, first + (int) page, Prot.RW);
        }
        List<Future<?>> programs = new ArrayList<>();
        for (int number = 0; number < CPUS; number++) {
            programs.add(run(number, space, new AtomicLong()));
        }
        KernelPanic panic = new KernelPanic("the end");
        machine.halt(panic);
        for (Future<?> program : programs) {
            assertThatThrownBy(program::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCause(panic);
        }
        machine.halt(new KernelPanic("another"));
        assertThat(machine.panic()).isSameAs(panic);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
