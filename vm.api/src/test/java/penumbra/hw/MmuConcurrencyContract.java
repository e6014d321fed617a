// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/**
 * An {@link Mmu} under programs on CPUs, a page daemon and a remapper at once: extend it and say how one of yours is
 * made. Every frame has a copy of what was last "written out"; whoever cleans or takes a frame away checks that it
 * cannot differ from the copy unless somebody reported it modified, and that it does not change any more.
 */
public abstract class MmuConcurrencyContract implements MmuReports {
    private static final int CPUS = 2;
    private static final int FEW_FRAMES = 24;
    private static final int REGION = 512;
    /** Memory that two regions of 2 MiB lie in, wherever it begins. */
    private static final int MANY_FRAMES = 3 * REGION;

    private static final int TABLES = 256;
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

    private HeapMemory memory;
    private int first;
    private Machine machine;
    private Mmu mmu;
    private int tables;
    /** Whether whole regions are mapped, become superpages and are changed. */
    private boolean large;

    private final List<Frame> frames = new ArrayList<>();
    private final List<Program> programs = new ArrayList<>();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong stores = new AtomicLong();
    private final AtomicLong superpages = new AtomicLong();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    /** A new MMU that serves no machine. */
    protected abstract Mmu create();

    /** A threaded machine with {@code cpus} CPUs. */
    protected abstract Machine machine(PhysicalMemory with, int cpus);

    /** How many table frames {@code of}, which {@link #create} has made, has left. */
    protected abstract int freeTables(Mmu of);

    /** Whether {@code page} is mapped by a large mapping. */
    protected boolean isLarge(MmuSpace space, long page) {
        return false;
    }

    private void boot(int count) {
        memory = new HeapMemory(count, TABLES);
        first = memory.segments().get(0).firstFrame();
        machine = machine(memory, CPUS);
        mmu = create();
        mmu.attach(machine, memory, this);
        tables = freeTables(mmu);
        for (int i = 0; i < count; i++) {
            frames.add(new Frame());
        }
        for (int asid = 1; asid <= SPACES; asid++) {
            programs.add(new Program(asid, mmu.create(asid)));
        }
        machine.setTrapHandler(this::pageFault);
    }

    @AfterEach
    void giveBack() {
        threads.shutdownNow();
    }

    @Override
    public void modified(int frame) {
        frames.get(frame - first).dirty = true;
    }

    @Override
    public void referenced(int frame) {
        assertThat(frame - first).isBetween(0, frames.size() - 1);
    }

    @Override
    public void unmapped(int frame) {
        assertThat(frame - first).isBetween(0, frames.size() - 1);
    }

    @Override
    public boolean optimised() {
        return large;
    }

    private long pageOf(int index) {
        if (large) {
            return first + index;
        }
        return index % 2 == 0 ? index : SECOND_TABLE + index;
    }

    /** Every space maps every frame, at the same page; a read fault maps read-only. */
    private KernReturn pageFault(Cpu cpu, long address, int access) {
        long page = PageSize.index(address);
        int index = large ? (int) page - first : (int) (page % SECOND_TABLE);
        Frame frame = frames.get(index);
        frame.owner.lock();
        Program program = (Program) cpu.active();
        int prot = access == Prot.WRITE ? Prot.RW : Prot.READ;
        int attributes = MmuMapping.MANAGED | MmuMapping.ACCESSED | (access == Prot.WRITE ? MmuMapping.MODIFIED : 0);
        program.space().enter(page, first + index, prot, attributes);
        frame.owner.unlock();
        return KernReturn.SUCCESS;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noStoreIsLostAndNoneComesLate(boolean withSuperpages) throws Exception {
        large = withSuperpages;
        boot(large ? MANY_FRAMES : FEW_FRAMES);
        long seed = System.nanoTime();
        System.out.println(getClass().getSimpleName() + " seed " + seed);
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
        assertThat(superpages.get() > 0)
                .isEqualTo(large && programs.get(0).space().largeSize() > 1);
        for (int index = 0; index < frames.size(); index++) {
            mmu.removeAll(first + index);
        }
        for (Program program : programs) {
            assertThat(program.space().residentCount()).isZero();
            program.space().release();
        }
        assertThat(freeTables(mmu)).isEqualTo(tables);
    }

    private void program(Cpu cpu, SplittableRandom random) {
        long done = 0;
        do {
            cpu.activate(programs.get(random.nextInt(SPACES)));
            cpu.enterUser();
            for (int i = 0; i < 200; i++) {
                long address = PageSize.bytes(pageOf(random.nextInt(frames.size()))) + 8 * random.nextInt(512);
                if (random.nextBoolean()) {
                    cpu.store(address, 8, random.nextLong());
                    done++;
                } else {
                    cpu.load(address, 8);
                }
            }
            cpu.leaveUser();
        } while (!stop.get());
        stores.addAndGet(done);
    }

    /** What system calls do to an address space, without the lock of any frame's owner. */
    private void remap(SplittableRandom random) {
        while (!stop.get()) {
            MmuSpace space = programs.get(random.nextInt(SPACES)).space();
            long page = pageOf(random.nextInt(frames.size()));
            long end = page + 1 + random.nextInt(8);
            if (large && random.nextBoolean()) {
                page = random.nextBoolean() ? fill(random, space) : page & -REGION;
                end = page + REGION;
            }
            switch (random.nextInt(7)) {
                case 0 -> space.remove(page, end);
                case 1 -> space.protect(page, end, Prot.READ);
                case 2 -> space.advise(page, end, true);
                case 3 -> space.changeWiring(page, random.nextBoolean());
                case 4 -> programs.get(random.nextInt(SPACES)).space().copy(space, page, end);
                case 5 -> space.protect(page, end, Prot.READ);
                default -> space.removeUnwired();
            }
        }
    }

    /** Maps a whole region as writes would; returns its first page. */
    private long fill(SplittableRandom random, MmuSpace space) {
        int frame = (first + random.nextInt(REGION) & -REGION) + REGION;
        int attributes = MmuMapping.MANAGED | MmuMapping.ACCESSED | MmuMapping.MODIFIED;
        for (int i = 0; i < REGION; i++) {
            Frame each = frames.get(frame - first + i);
            each.owner.lock();
            space.enter(frame + i, frame + i, Prot.RW, attributes);
            each.owner.unlock();
        }
        superpages.addAndGet(isLarge(space, frame) ? 1 : 0);
        return frame;
    }

    /** What the page daemon does to one frame, with its owner locked. */
    private void work(SplittableRandom random, String round) {
        int index = random.nextInt(frames.size());
        Frame frame = frames.get(index);
        frame.owner.lock();
        switch (random.nextInt(4)) {
            case 0 -> {
                mmu.removeAll(first + index);
                assertThat(mmu.isMapped(first + index)).isFalse();
                writeOut(index, round + " removeAll");
            }
            case 1 -> {
                mmu.removeWrite(first + index);
                writeOut(index, round + " removeWrite");
            }
            case 2 -> mmu.testAndClearReferenced(first + index, 5);
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
        boolean known = mmu.isModified(first + index) || frame.dirty;
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
