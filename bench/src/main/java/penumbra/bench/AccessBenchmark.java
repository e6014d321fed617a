// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import penumbra.hw.Cpu;
import penumbra.hw.PageSize;
import penumbra.hw.Prot;

/**
 * What a program's access to resident memory costs, beside the same access to a mapped file.
 *
 * <p>Accesses of 8 bytes at random: independent of each other, and each at an address that the last one loaded. The
 * small memory fits the TLB, the large one does not, so that nearly every access walks the tables.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(AccessBenchmark.ACCESSES)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AccessBenchmark {
    static final int ACCESSES = 4096;

    /** Pages of memory: half a TLB, and 64 times one. */
    @Param({"1024", "131072"})
    private int pages;

    private Guest guest;
    private Cpu cpu;
    private MappedByteBuffer mapped;
    private int[] offsets;
    private byte[] page;

    /** Boots, and fills both memories with one random cycle through all pages; prints the seed. */
    @Setup
    public void boot() throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        guest = new Guest(pages + pages / 4, 1);
        cpu = guest.cpu(0);
        guest.program(cpu, pages);
        page = new byte[PageSize.BYTES];
        int bytes = (int) PageSize.bytes(pages);
        offsets = random.ints(ACCESSES, 0, bytes / Long.BYTES)
                .map(word -> word * Long.BYTES)
                .toArray();
        Path file = Files.createTempFile("access", null);
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
            mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
            mapped.order(ByteOrder.LITTLE_ENDIAN);
        }
        int[] cycle = cycle(random);
        cpu.enterUser();
        for (int i = 0; i < pages; i++) {
            int next = (int) PageSize.bytes(cycle[i]);
            mapped.putLong((int) PageSize.bytes(i), next);
            cpu.store(Guest.BASE + PageSize.bytes(i), Long.BYTES, next);
        }
    }

    /** Where the walk goes on from each page: Sattolo's shuffle, which makes one cycle. */
    private int[] cycle(SplittableRandom random) {
        int[] next = new int[pages];
        for (int i = 0; i < pages; i++) {
            next[i] = i;
        }
        for (int i = pages - 1; i > 0; i--) {
            int other = random.nextInt(i);
            int swapped = next[i];
            next[i] = next[other];
            next[other] = swapped;
        }
        return next;
    }

    /** Independent loads by a CPU. */
    @Benchmark
    public long load() {
        long sum = 0;
        for (int offset : offsets) {
            sum += cpu.load(Guest.BASE + offset, Long.BYTES);
        }
        return sum;
    }

    /** Independent loads from a mapped file. */
    @Benchmark
    public long loadMapped() {
        long sum = 0;
        for (int offset : offsets) {
            sum += mapped.getLong(offset);
        }
        return sum;
    }

    /** Stores by a CPU, behind the words of the cycle. */
    @Benchmark
    public void store() {
        for (int offset : offsets) {
            cpu.store(Guest.BASE + (offset | Long.BYTES), Long.BYTES, offset);
        }
    }

    /** Stores to a mapped file, behind the words of the cycle. */
    @Benchmark
    public void storeMapped() {
        for (int offset : offsets) {
            mapped.putLong(offset | Long.BYTES, offset);
        }
    }

    /** Loads by a CPU, each at the address that the last one loaded. */
    @Benchmark
    public long chase() {
        long at = 0;
        for (int i = 0; i < ACCESSES; i++) {
            at = cpu.load(Guest.BASE + at, Long.BYTES);
        }
        return at;
    }

    /** Loads from a mapped file, each at the address that the last one loaded. */
    @Benchmark
    public long chaseMapped() {
        int at = 0;
        for (int i = 0; i < ACCESSES; i++) {
            at = (int) mapped.getLong(at);
        }
        return at;
    }

    /** Copies of whole pages out of a CPU's memory ({@code copyout}'s counterpart of a bulk get). */
    @Benchmark
    public void copyPage() {
        for (int offset : offsets) {
            cpu.load(Guest.BASE + (offset & -PageSize.BYTES), Prot.READ, page, 0, PageSize.BYTES);
        }
    }

    /** Copies of whole pages out of a mapped file. */
    @Benchmark
    public void copyPageMapped() {
        for (int offset : offsets) {
            mapped.get(offset & -PageSize.BYTES, page);
        }
    }

    /** Switches off. */
    @TearDown
    public void close() {
        cpu.leaveUser();
        guest.close();
    }
}
