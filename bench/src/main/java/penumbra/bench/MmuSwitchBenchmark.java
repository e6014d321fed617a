// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.util.concurrent.TimeUnit;
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
import penumbra.hw.PmapSystem;
import penumbra.process.Process;

/** How long all CPUs stand still when the MMU is replaced. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 20)
@Measurement(iterations = 20)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=2g")
public class MmuSwitchBenchmark {
    /** A machine on which a process has written to all its memory since the last replacement. */
    @State(Scope.Thread)
    public static class Mapped {
        private static final int SPARE = 4096;

        /** Pages that are mapped; 65,536 are 256 MiB. */
        @Param({"1024", "65536"})
        public int pages;

        /** The MMU that is replaced by the other. */
        @Param({"amd64", "riscv"})
        public String from = "amd64";

        private Guest guest;
        private Cpu cpu;
        private Process process;
        private PmapSystem pmaps;

        /** Boots. */
        @Setup
        public void boot() {
            guest = new Guest(pages + SPARE, 1);
            cpu = guest.cpu(0);
            process = guest.program(cpu, pages);
            pmaps = guest.kernel().pmaps();
        }

        /** Maps every page, modified. */
        @Setup(Level.Invocation)
        public void write() {
            pmaps.useMmu(from);
            Guest.write(cpu, pages);
            if (process.space().pmap().residentCount() < pages) {
                throw new IllegalStateException("not everything is mapped");
            }
        }

        /** Switches off. */
        @TearDown
        public void close() {
            guest.close();
        }
    }

    /** One replacement: harvest, new tables, empty TLBs. */
    @Benchmark
    public boolean replace(Mapped mapped) {
        return mapped.pmaps.useMmu(mapped.from.equals("amd64") ? "riscv" : "amd64");
    }
}
