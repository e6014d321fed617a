// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.Cpu;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;
import penumbra.hw.Translation;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * Programs on CPUs, a page daemon and a remapper at once. Every frame has a copy of what was last "written out"; whoever
 * cleans or takes a frame away checks that it cannot differ from the copy unless somebody reported it modified, and that
 * it does not change any more.
 */
class ConcurrencyTest implements MmuReports {
    private static final int CPUS = 2;
    private static final int FRAMES = 24;
    private static final int SPACES = 3;
    private static final int ROUNDS = 4000;
    /** One space's pages are spread over two tables. */
    private static final long SECOND_TABLE = 512;

    private static final class Frame {
        /** Held by whoever maps the frame or works on it, like the lock of its owner. */
        final KernelLock owner = new KernelLock(LockRank.OBJECT, "test object");

        volatile boolean dirty;
        final byte[] saved = new byte[PageSize.BYTES];
    }

    /** A space as a CPU sees it. */
    private record Program(int asid, MmuSpace space) implements Translation {
        @Override
        public long walk(long address, int access) {
            return space.walk(address, access);
        }
    }

    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
    private final int first = memory.segments().get(0).firstFrame();
    private final SimMachine machine = new SimMachine(memory, MachineSettings.threaded(CPUS));
    private final Served served = new Served(machine, memory, this);
    private final int tables = served.tables.freeCount();
    private final List<Frame> frames = new ArrayList<>();
    private final List<Program> programs = new ArrayList<>();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong stores = new AtomicLong();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    ConcurrencyTest() {
        for (int i = 0; i < FRAMES; i++) {
            frames.add(new Frame());
        }
        for (int asid = 1; asid <= SPACES; asid++) {
            programs.add(new Program(asid, served.create(asid)));
        }
        machine.setTrapHandler(this::pageFault);
    }

    @AfterEach
    void giveBack() {
        threads.shutdownNow();
        memory.close();
    }

    @Override
    public void modified(int frame) {
        frames.get(frame - first).dirty = true;
    }

    @Override
    public void referenced(int frame) {
        assertThat(frame - first).isBetween(0, FRAMES - 1);
    }

    @Override
    public void unmapped(int frame) {
        assertThat(frame - first).isBetween(0, FRAMES - 1);
    }

    private static long pageOf(int index) {
        return index % 2 == 0 ? index : SECOND_TABLE + index;
    }

    /** Every space maps every frame, at the same page; a read fault maps read-only. */
    private KernReturn pageFault(Cpu cpu, long address, int access) {
        int index = (int) (PageSize.index(address) % SECOND_TABLE);
        Frame frame = frames.get(index);
        frame.owner.lock();
        Program program = (Program) cpu.active();
        int prot = access == Prot.WRITE ? Prot.RW : Prot.READ;
        int attributes = MmuMapping.MANAGED | MmuMapping.ACCESSED | (access == Prot.WRITE ? MmuMapping.MODIFIED : 0);
        program.space().enter(PageSize.index(address), first + index, prot, attributes);
        frame.owner.unlock();
        return KernReturn.SUCCESS;
    }

    @Test
    void noStoreIsLostAndNoneComesLate() throws Exception {
        long seed = System.nanoTime();
        System.out.println("ConcurrencyTest seed " + seed);
        List<Future<?>> running = new ArrayList<>();
        for (int number = 0; number < CPUS; number++) {
            SplittableRandom random = new SplittableRandom(seed + number);
            Cpu cpu = machine.cpus().get(number);
            running.add(threads.submit(() -> program(cpu, random)));
        }
        running.add(threads.submit(() -> remap(new SplittableRandom(seed - 1))));
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            work(random, "seed " + seed + " round " + round);
        }
        stop.set(true);
        for (Future<?> each : running) {
            each.get();
        }
        assertThat(stores.get()).isPositive();
        for (int index = 0; index < FRAMES; index++) {
            served.removeAll(first + index);
        }
        for (Program program : programs) {
            assertThat(program.space().residentCount()).isZero();
            program.space().release();
        }
        assertThat(served.tables.freeCount()).isEqualTo(tables);
    }

    private void program(Cpu cpu, SplittableRandom random) {
        long done = 0;
        while (!stop.get()) {
            cpu.activate(programs.get(random.nextInt(SPACES)));
            cpu.enterUser();
            for (int i = 0; i < 200; i++) {
                long address = PageSize.bytes(pageOf(random.nextInt(FRAMES))) + 8 * random.nextInt(512);
                if (random.nextBoolean()) {
                    cpu.store(address, 8, random.nextLong());
                    done++;
                } else {
                    cpu.load(address, 8);
                }
            }
            cpu.leaveUser();
        }
        stores.addAndGet(done);
    }

    /** What system calls do to an address space, without the lock of any frame's owner. */
    private void remap(SplittableRandom random) {
        while (!stop.get()) {
            MmuSpace space = programs.get(random.nextInt(SPACES)).space();
            long page = pageOf(random.nextInt(FRAMES));
            long end = page + 1 + random.nextInt(8);
            switch (random.nextInt(5)) {
                case 0 -> space.remove(page, end);
                case 1 -> space.protect(page, end, Prot.READ);
                case 2 -> space.advise(page, end, true);
                case 3 -> space.changeWiring(page, random.nextBoolean());
                default -> space.removeUnwired();
            }
        }
    }

    /** What the page daemon does to one frame, with its owner locked. */
    private void work(SplittableRandom random, String round) {
        int index = random.nextInt(FRAMES);
        Frame frame = frames.get(index);
        frame.owner.lock();
        switch (random.nextInt(4)) {
            case 0 -> {
                served.removeAll(first + index);
                assertThat(served.count(first + index, 1, (in, place, table, offset) -> true))
                        .isZero();
                writeOut(index, round + " removeAll");
            }
            case 1 -> {
                served.count(first + index, Integer.MAX_VALUE, Served::writeProtect);
                writeOut(index, round + " removeWrite");
            }
            case 2 ->
                served.count(
                        first + index,
                        5,
                        (in, place, table, offset) -> in.clear(place, table, offset, Sv48.ACCESSED) != 0);
            default -> check(index, round);
        }
        frame.owner.unlock();
    }

    /** Nobody can write to the frame: it is what was saved or known to be dirty, and stays as it is. */
    private void writeOut(int index, String round) {
        Frame frame = frames.get(index);
        byte[] now = contents(index);
        boolean dirty = frame.dirty;
        if (!dirty) {
            assertThat(now).as("%s: lost modification", round).isEqualTo(frame.saved);
        }
        System.arraycopy(now, 0, frame.saved, 0, now.length);
        frame.dirty = false;
        assertThat(contents(index)).as("%s: late store", round).isEqualTo(now);
    }

    /** A frame that differs from its copy is dirty or modified in some mapping. */
    private void check(int index, String round) {
        Frame frame = frames.get(index);
        byte[] before = contents(index);
        boolean known =
                served.count(first + index, 1, (in, place, table, offset) -> in.has(table, offset, Sv48.DIRTY)) > 0
                        || frame.dirty;
        if (!known) {
            assertThat(before).as("%s: unknown modification", round).isEqualTo(frame.saved);
        }
    }

    private byte[] contents(int index) {
        byte[] bytes = new byte[PageSize.BYTES];
        memory.read(first + index, 0, bytes, 0, PageSize.BYTES);
        return bytes;
    }
}
