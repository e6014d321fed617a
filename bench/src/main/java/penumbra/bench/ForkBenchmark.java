// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import penumbra.hw.Cpu;
import penumbra.process.Process;

/** What fork and exit of a process with touched memory cost, and the first writes of its parent afterwards. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 8, time = 2)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=6g")
public class ForkBenchmark {
    /** A machine on which a process has touched its memory; 262,144 pages are 1 GiB. */
    private static final class Touched implements AutoCloseable {
        private static final int SPARE = 4096;

        private final int pages;
        private final Guest guest;
        private final Cpu cpu;
        private final Process parent;

        Touched(int pages) {
            this.pages = pages;
            guest = new Guest(2 * pages + SPARE, 1);
            cpu = guest.cpu(0);
            parent = guest.program(cpu, pages);
            write();
        }

        void write() {
            Guest.write(cpu, pages);
        }

        Process fork() {
            return guest.fork(parent);
        }

        void exit(Process process) {
            guest.kernel().processes().exit(process);
        }

        /** A second process that has touched as much, while the CPU runs the first again. */
        Process other() {
            Process other = guest.program(cpu, pages);
            write();
            guest.kernel().processes().run(cpu, parent);
            return other;
        }

        @Override
        public void close() {
            guest.close();
        }
    }

    /** A parent, and room for a child that the benchmark makes. */
    @State(Scope.Thread)
    public static class Parent {
        /** Pages that were touched. */
        @Param({"1000", "262144"})
        public int pages;

        private Touched machine;
        private @Nullable Process child;

        /** Boots. */
        @Setup
        public void boot() {
            machine = new Touched(pages);
        }

        /** Writes again what the last fork made read-only, so that every fork starts with writeable mappings. */
        @TearDown(Level.Invocation)
        public void exit() {
            machine.exit(Objects.requireNonNull(child));
            machine.write();
        }

        /** Switches off. */
        @TearDown
        public void close() {
            machine.close();
        }
    }

    /** A process that has touched its memory and is not run any more. */
    @State(Scope.Thread)
    public static class Finished {
        /** Pages that were touched. */
        @Param({"1000", "262144"})
        public int pages;

        private Touched machine;
        private @Nullable Process other;

        /** Boots. */
        @Setup
        public void boot() {
            machine = new Touched(pages);
        }

        /** Touches. */
        @Setup(Level.Invocation)
        public void touch() {
            other = machine.other();
        }

        /** Switches off. */
        @TearDown
        public void close() {
            machine.close();
        }
    }

    /** A parent that has just forked. */
    @State(Scope.Thread)
    public static class Forked {
        /** Pages that were touched. */
        @Param({"1000", "262144"})
        public int pages;

        private Touched machine;
        private @Nullable Process child;

        /** Boots. */
        @Setup
        public void boot() {
            machine = new Touched(pages);
        }

        /** Forks. */
        @Setup(Level.Invocation)
        public void fork() {
            child = machine.fork();
        }

        /** Ends the child. */
        @TearDown(Level.Invocation)
        public void exit() {
            machine.exit(Objects.requireNonNull(child));
        }

        /** Switches off. */
        @TearDown
        public void close() {
            machine.close();
        }
    }

    /** Fork of a process all of whose pages are mapped writeable. */
    @Benchmark
    public void fork(Parent state) {
        state.child = state.machine.fork();
    }

    /** Exit of a process whose memory nobody shares. */
    @Benchmark
    public void exit(Finished state) {
        state.machine.exit(Objects.requireNonNull(state.other));
    }

    /** One write to every page after a fork, while the child lives. */
    @Benchmark
    public void firstWrites(Forked state) {
        state.machine.write();
    }
}
