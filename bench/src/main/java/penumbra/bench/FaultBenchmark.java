// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.process.Process;

/**
 * What faults cost, a page each, beside what zeroing and copying the same frames costs alone.
 *
 * <p>Every invocation walks {@value #PAGES} pages, 64 MiB, so that frames come out of memory and not out of a cache.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(FaultBenchmark.PAGES)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 8, time = 2)
@Fork(1)
public class FaultBenchmark {
    static final int PAGES = 16_384;
    private static final int MACHINE = 4 * PAGES;

    /** A program whose memory is untouched before every invocation. */
    @State(Scope.Thread)
    public static class Untouched {
        private Guest guest;
        private Cpu cpu;
        private Process program;

        /** Boots. */
        @Setup
        public void boot() {
            guest = new Guest(MACHINE, 1);
            cpu = guest.cpu(0);
            program = guest.program(cpu, PAGES);
        }

        /** Maps afresh. */
        @Setup(Level.Invocation)
        public void map() {
            guest.map(program, PAGES);
        }

        /** Switches off. */
        @TearDown
        public void close() {
            guest.close();
        }
    }

    /** A program all of whose pages are in memory and that shares them with a child before every invocation. */
    @State(Scope.Thread)
    public static class Forked {
        private Guest guest;
        private Cpu cpu;
        private Process parent;
        private Process child;

        /** Boots and touches everything. */
        @Setup
        public void boot() {
            guest = new Guest(MACHINE, 1);
            cpu = guest.cpu(0);
            parent = guest.program(cpu, PAGES);
            Guest.write(cpu, PAGES);
        }

        /** Forks. */
        @Setup(Level.Invocation)
        public void fork() {
            child = guest.fork(parent);
            guest.kernel().processes().run(cpu, child);
        }

        /** Ends the child. */
        @TearDown(Level.Invocation)
        public void exit() {
            guest.kernel().processes().run(cpu, parent);
            guest.kernel().processes().exit(child);
        }

        /** Switches off. */
        @TearDown
        public void close() {
            guest.close();
        }
    }

    /** A program all of whose pages are in memory and none of which is mapped before every invocation. */
    @State(Scope.Thread)
    public static class Unmapped {
        private Guest guest;
        private Cpu cpu;
        private Process program;

        /** Boots and touches everything. */
        @Setup
        public void boot() {
            guest = new Guest(MACHINE, 1);
            cpu = guest.cpu(0);
            program = guest.program(cpu, PAGES);
            Guest.write(cpu, PAGES);
        }

        /** Forgets the mappings; the pages stay. */
        @Setup(Level.Invocation)
        public void unmap() {
            program.space().pmap().remove(Guest.BASE, Guest.BASE + PageSize.bytes(PAGES));
        }

        /** Switches off. */
        @TearDown
        public void close() {
            guest.close();
        }
    }

    /** Frames in the order in which programs got them. */
    @State(Scope.Thread)
    public static class Frames {
        private Guest guest;
        private PhysicalMemory memory;
        private int[] from;
        private int[] to;

        /** Boots and lets two programs touch everything. */
        @Setup
        public void boot() {
            guest = new Guest(MACHINE, 1);
            memory = guest.kernel().memory();
            Cpu cpu = guest.cpu(0);
            Process first = guest.program(cpu, PAGES);
            Guest.write(cpu, PAGES);
            Process second = guest.program(cpu, PAGES);
            Guest.write(cpu, PAGES);
            from = guest.frames(first, PAGES);
            to = guest.frames(second, PAGES);
        }

        /** Switches off. */
        @TearDown
        public void close() {
            guest.close();
        }
    }

    /** The first write to a page of new memory. */
    @Benchmark
    public void zeroFill(Untouched state) {
        Guest.write(state.cpu, PAGES);
    }

    /** The first write to a page that is shared with the parent. */
    @Benchmark
    public void copyOnWrite(Forked state) {
        Guest.write(state.cpu, PAGES);
    }

    /** The write to a page that is in memory and mapped nowhere. */
    @Benchmark
    public void softFault(Unmapped state) {
        Guest.write(state.cpu, PAGES);
    }

    /** The read of pages that are in memory and mapped nowhere; a fault maps neighbours too. */
    @Benchmark
    public long softReadAround(Unmapped state) {
        return Guest.read(state.cpu, PAGES);
    }

    /** Zeroing alone, and the store that follows. */
    @Benchmark
    public void zeroAlone(Frames state) {
        for (int frame : state.to) {
            state.memory.zero(frame, 0, PageSize.BYTES);
            state.memory.store(frame, 0, Long.BYTES, frame);
        }
    }

    /** Copying alone, and the store that follows. */
    @Benchmark
    public void copyAlone(Frames state) {
        for (int i = 0; i < PAGES; i++) {
            state.memory.copy(state.from[i], state.to[i]);
            state.memory.store(state.to[i], 0, Long.BYTES, i);
        }
    }
}
