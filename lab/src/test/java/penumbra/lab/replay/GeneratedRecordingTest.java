// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import penumbra.lab.cli.ExitStatus;

/**
 * A recording made for pressure: four times the memory, advice, msync, a writable shared file, fork, vfork and threads,
 * none of which the samples have together.
 */
class GeneratedRecordingTest {
    private static final long SEED = 20_260_401;

    /** The pages of the machine, and what is touched of anonymous memory and of the file. */
    private static final int MEMORY_PAGES = 256;

    private static final int HEAP_PAGES = 3 * MEMORY_PAGES;
    private static final int FILE_PAGES = MEMORY_PAGES;

    private static final long HEAP = 0x1000_0000L;
    private static final long FILE = 0x2000_0000L;
    private static final long SCRATCH = 0x3000_0000L;

    /** Of the last page of the file, so much is the file's. */
    private static final int TAIL = 1234;

    private static final int WILLNEED = 3;
    private static final int DONTNEED = 4;
    private static final int FREE = 8;
    private static final int COLD = 20;
    private static final int MS_ASYNC = 1;
    private static final int MS_SYNC = 4;
    private static final int CHILD = 101;
    private static final int BORROWER = 102;

    @TempDir
    Path folder;

    private Path recording;
    private Path file;
    private byte[] original;

    @BeforeEach
    void generate() throws IOException {
        System.out.println("seed " + SEED);
        SplittableRandom random = new SplittableRandom(SEED);
        recording = Files.createDirectory(folder.resolve("recording"));
        original = new byte[(FILE_PAGES - 1) * Log.PAGE + TAIL];
        random.nextBytes(original);
        file = Files.write(folder.resolve("shared.bin"), original);
        parent(random.split()).write(recording);
        child(random.split()).write(recording);
        borrower().write(recording);
    }

    private Log parent(SplittableRandom random) {
        Log log = Log.fresh(100)
                .open(file.toString(), 3)
                .map(HEAP, HEAP_PAGES)
                .mapFile(FILE, original.length, Log.RW, Log.SHARED, 3, 0)
                .storePages(HEAP, HEAP_PAGES)
                .loadPages(FILE, FILE_PAGES)
                .load(FILE + original.length, 8)
                .line("SYSCALL[100,1](56) sys_clone ( 3d0f00, 0x5229f70, 0x0, 0x0, 0x5226c0 )"
                        + " --> [pre-success] Success(0x1000) ")
                .line(String.format(
                        "SYSCALL[100,2](28) sys_madvise ( 0x%x, %d, %d )[sync] --> Success(0x0) ",
                        HEAP, 64 * Log.PAGE, DONTNEED));
        wander(log, random, 1000);
        log.advise(HEAP + 100 * Log.PAGE, 50, FREE)
                .storePages(HEAP + 100 * Log.PAGE, 50)
                .advise(HEAP + 200 * Log.PAGE, 100, COLD)
                .advise(FILE, FILE_PAGES, WILLNEED)
                .sync(FILE, FILE_PAGES, MS_ASYNC)
                .fork(CHILD);
        wander(log, random, 2000);
        log.vfork(BORROWER).load(HEAP, 8).loadPages(SCRATCH, 8).sync(FILE, FILE_PAGES, MS_SYNC);
        wander(log, random, 500);
        return log.loadPages(HEAP, HEAP_PAGES).loadPages(FILE, FILE_PAGES);
    }

    private static Log child(SplittableRandom random) {
        Log log = Log.forked(CHILD, 100).loadPages(HEAP, HEAP_PAGES);
        wander(log, random, 1500);
        return log.loadPages(HEAP, HEAP_PAGES).loadPages(FILE, FILE_PAGES).sync(FILE, FILE_PAGES, MS_SYNC);
    }

    /** Works in its parent's memory, which the parent finds changed. */
    private static Log borrower() {
        return Log.forked(BORROWER, 100).store(HEAP, 8).map(SCRATCH, 8).storePages(SCRATCH, 8);
    }

    /** Loads, stores and modifies anywhere in the heap and in the file, also across pages. */
    private static void wander(Log log, SplittableRandom random, int steps) {
        for (int i = 0; i < steps; i++) {
            boolean inHeap = random.nextInt(3) > 0;
            int pages = inHeap ? HEAP_PAGES : FILE_PAGES - 1;
            long address = (inHeap ? HEAP : FILE) + random.nextInt(pages * Log.PAGE - 32);
            int size = 1 << random.nextInt(6);
            switch (random.nextInt(3)) {
                case 0 -> log.load(address, size);
                case 1 -> log.store(address, size);
                default -> log.modify(address, size);
            }
        }
    }

    private Run replay(Object... options) throws IOException {
        List<Object> all = new ArrayList<>(List.of(recording, "--swap", "16m"));
        all.addAll(List.of(options));
        Run run = Run.of(folder, all.toArray());
        assertThat(run.output()).contains("every byte as expected, all invariants hold");
        assertThat(run.status()).isEqualTo(ExitStatus.OK);
        assertThat(file).hasBinaryContent(original);
        return run;
    }

    @Test
    void fourTimesTheMemoryIsPaged() throws IOException {
        Run run = replay("--memory", "1m");
        assertThat(run.report().path("memory").path("touched").asLong())
                .isGreaterThanOrEqualTo(4L * MEMORY_PAGES * Log.PAGE);
        assertThat(run.counter("v_swappgsout")).isGreaterThan(HEAP_PAGES / 2);
        assertThat(run.counter("v_swappgsin")).isPositive();
        assertThat(run.faults("swapRead")).isPositive();
        assertThat(run.counter("v_vnodepgsin")).isGreaterThanOrEqualTo(FILE_PAGES);
        assertThat(run.counter("v_vnodepgsout")).isPositive();
        assertThat(run.faults("copyOnWrite") + run.faults("copyAvoided")).isPositive();
        assertThat(run.report().path("forks").asInt()).isEqualTo(2);
        assertThat(run.report().path("processes").asInt()).isEqualTo(3);
        assertThat(run.report().path("memory").path("peakResident").asInt()).isLessThanOrEqualTo(MEMORY_PAGES);
    }

    @ParameterizedTest
    @CsvSource({"640k, 1, 100", "768k, 2, 1", "16m, 3, 100"})
    void otherSizesSeedsAndQuantaPassToo(String memory, long seed, int quantum) throws IOException {
        replay("--memory", memory, "--seed", seed, "--quantum", quantum);
    }

    @Test
    void theChangedCopyOfTheFileIsKeptWhenAskedFor() throws IOException {
        Path kept = folder.resolve("kept");
        Run run = replay("--memory", "1m", "--write-back", kept);
        Path copy = kept.resolve(file.toString().replace('/', '_'));
        assertThat(run.output()).contains("kept       " + copy);
        byte[] changed = Files.readAllBytes(copy);
        assertThat(changed).hasSameSizeAs(original).isNotEqualTo(original);
    }

    /** Nothing was synced: what was stored must get to the file with the last mapping. */
    @Test
    void theKeptCopyDiffersWhereItWasStoredToOnly() throws IOException {
        int second = 5 * Log.PAGE - 8;
        Path log = Log.fresh(200)
                .open(file.toString(), 3)
                .mapFile(FILE, original.length, Log.RW, Log.SHARED, 3, 0)
                .store(FILE + 100, 8)
                .store(FILE + second, 16)
                .store(FILE + original.length, 8)
                .write(folder);
        Path kept = folder.resolve("kept");
        assertThat(Run.of(folder, log, "--write-back", kept).status()).isEqualTo(ExitStatus.OK);
        byte[] changed = Files.readAllBytes(kept.resolve(file.toString().replace('/', '_')));
        assertThat(Arrays.copyOfRange(changed, 100, 108)).isNotEqualTo(Arrays.copyOfRange(original, 100, 108));
        assertThat(Arrays.copyOfRange(changed, second, second + 16))
                .isNotEqualTo(Arrays.copyOfRange(original, second, second + 16));
        System.arraycopy(original, 100, changed, 100, 8);
        System.arraycopy(original, second, changed, second, 16);
        assertThat(changed).isEqualTo(original);
    }

    @Test
    @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void severalCpusSeeTheSameMemory() throws IOException {
        replay("--memory", "1m", "--cpus", 2);
    }
}
