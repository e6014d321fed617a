// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import penumbra.fault.Fault;
import penumbra.fault.FaultPlan;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.pager.BackingStore;
import penumbra.pager.BackingStoreContract;

class FileStoreTest extends BackingStoreContract {
    private static final int PAGE = 4096;

    @TempDir
    private Path directory;

    @Override
    protected BackingStore create() throws IOException {
        return open("contract", true);
    }

    private FileStore open(String file, boolean temporary) throws IOException {
        return FileStore.open("file", directory.resolve(file), SLOTS, false, temporary);
    }

    @Test
    void neverHandsOutTheHeader() throws IOException {
        try (FileStore store = open("a", false)) {
            assertThat(store.available()).isEqualTo(SLOTS - 2);
            assertThat(store.allocate(1)).isEqualTo(2);
            store.free(2, 1);
            assertThatThrownBy(() -> store.reattach(visitor -> visitor.accept(1)))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void comesBackWithIdentityAndContents() throws IOException {
        String identity;
        try (FileStore store = open("a", true)) {
            identity = store.identity();
            assertThat(store.allocate(1)).isEqualTo(2);
            store.write(2, page(42));
        }
        assertThat(directory.resolve("a")).exists();
        try (FileStore store = open("a", true)) {
            assertThat(store.identity()).isEqualTo(identity);
            assertThat(store.available()).isEqualTo(SLOTS - 2);
            store.reattach(visitor -> visitor.accept(2));
            ByteBuffer back = ByteBuffer.allocateDirect(PAGE);
            store.read(2, back);
            assertThat(back.getLong(0)).isEqualTo(42);
        }
    }

    @Test
    void retiringDeletesOnlyATemporaryFile() throws IOException {
        try (FileStore store = open("kept", false)) {
            store.retire();
        }
        assertThat(directory.resolve("kept")).exists();
        try (FileStore store = open("gone", true)) {
            store.retire();
        }
        assertThat(directory.resolve("gone")).doesNotExist();
    }

    @Test
    void leavesForeignFilesAlone() throws IOException {
        Path foreign = directory.resolve("letter.txt");
        Files.writeString(foreign, "Dear Sir or Madam, this is no swap file, whatever you may think of it.");
        assertThatThrownBy(() -> open("letter.txt", true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("letter.txt")
                .hasMessageContaining("not a swap file");
        assertThat(foreign).hasContent("Dear Sir or Madam, this is no swap file, whatever you may think of it.");
    }

    @Test
    void aFileOfAnotherSizeBecomesAnotherStoreWhenNoPageWaitsInIt() throws IOException {
        String identity;
        try (FileStore store = open("a", false)) {
            identity = store.identity();
            store.write(store.allocate(1), page(5));
        }
        try (FileStore store = FileStore.open("file", directory.resolve("a"), SLOTS + 1, false, false)) {
            assertThat(store.identity()).isEqualTo(identity);
            store.reattach(used -> used.accept(2));
            assertThat(store.capacity()).isEqualTo(SLOTS);
            ByteBuffer back = ByteBuffer.allocateDirect(PAGE);
            store.read(2, back);
            assertThat(back.getLong(0)).isEqualTo(5);
        }
        try (FileStore store = FileStore.open("file", directory.resolve("a"), SLOTS + 1, false, false)) {
            store.reattach(used -> {});
            assertThat(store.capacity()).isEqualTo(SLOTS + 1);
            assertThat(store.identity()).isNotEqualTo(identity);
            assertThat(Files.size(directory.resolve("a"))).isEqualTo((SLOTS + 1) * PAGE);
        }
    }

    @Test
    void anotherSizeIsForTheTimeAfterSwapoff() throws IOException {
        Path file = directory.resolve("a");
        try (FileStore store = open("a", false)) {
            String identity = store.identity();
            store.write(store.allocate(1), page(5));
            store.change(new SwapFileSettings("file", file, 2 * SLOTS, false, false, false));
            store.reattach(visitor -> visitor.accept(2));
            assertThat(store.capacity()).isEqualTo(SLOTS);
            assertThat(store.identity()).isEqualTo(identity);
            store.retire();
            store.reattach(visitor -> {});
            assertThat(store.capacity()).isEqualTo(2 * SLOTS);
            assertThat(store.identity()).isNotEqualTo(identity);
            assertThat(Files.size(file)).isEqualTo(2 * SLOTS * PAGE);
            store.write(2 * SLOTS - 1, page(6));
        }
    }

    @Test
    void aNextFileThatCannotBeOpenedIsTriedAgain() throws IOException {
        try (FileStore store = open("a", true)) {
            Path there = directory.resolve("later").resolve("b");
            store.change(new SwapFileSettings("file", there, SLOTS, false, false, true));
            store.retire();
            assertThatThrownBy(() -> store.reattach(visitor -> {})).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> store.write(2, page(1))).isInstanceOf(IOException.class);
            Files.createDirectory(directory.resolve("later"));
            store.reattach(visitor -> {});
            store.write(2, page(1));
            assertThat(there).exists();
            store.retire();
            assertThat(there).doesNotExist();
        }
    }

    /** Past the host's cache where it allows that; else as usual. */
    @Test
    void passesTheHostsCacheByWhereTheHostAllowsIt() throws IOException {
        Path file = directory.resolve("direct");
        SwapFileSettings direct = new SwapFileSettings("file", file, SLOTS, true, true, false);
        Set<OpenOption> options = new HashSet<>();
        Opener watched = (path, asked) -> {
            FileChannel channel = FileChannel.open(path, asked);
            options.addAll(asked);
            return channel;
        };
        for (int round = 0; round < 2; round++) {
            try (FileStore store = FileStore.open(direct, watched)) {
                ByteBuffer run = SwapHeader.aligned(3 * PAGE).putLong(0, 11).putLong(2 * PAGE, 13);
                store.write(5, run);
                ByteBuffer back = SwapHeader.aligned(2 * PAGE);
                store.read(6, back);
                assertThat(back.getLong(PAGE)).isEqualTo(13);
                Thread.currentThread().interrupt();
                store.read(5, back.clear());
                assertThat(Thread.interrupted()).isTrue();
                assertThat(back.getLong(0)).isEqualTo(11);
            }
        }
        boolean allowed = options.stream().anyMatch(option -> option.toString().equals("DIRECT"));
        assertThat(allowed).isEqualTo(hostPassesItsCacheBy());
    }

    @Test
    void aHostThatRefusesToPassItsCacheByIsUsedAsUsual() throws IOException {
        SwapFileSettings direct = new SwapFileSettings("file", directory.resolve("a"), SLOTS, false, true, false);
        Opener refusing = (path, asked) -> {
            if (asked.stream().anyMatch(option -> option.toString().equals("DIRECT"))) {
                throw new IOException("Invalid argument");
            }
            return FileChannel.open(path, asked);
        };
        try (FileStore store = FileStore.open(direct, refusing)) {
            store.write(2, page(3));
            ByteBuffer back = ByteBuffer.allocateDirect(PAGE);
            store.read(2, back);
            assertThat(back.getLong(0)).isEqualTo(3);
        }
    }

    private boolean hostPassesItsCacheBy() throws IOException {
        Path probe = directory.resolve("probe");
        Files.createFile(probe);
        try (FileChannel channel = FileChannel.open(probe, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)) {
            return channel.write(SwapHeader.aligned(PAGE), 0) == PAGE;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"SHORT_READ", "SHORT_WRITE", "INTERRUPT"})
    void noTransferFailsByWhatIsHarmless(Fault fault) throws IOException {
        FaultPlan plan = new FaultPlan(fault, 1);
        SwapFileSettings settings = new SwapFileSettings("file", directory.resolve("a"), SLOTS, false, false, false);
        try (FileStore store = FileStore.open(settings, plan.opener())) {
            plan.arm(1, true);
            ByteBuffer run = SwapHeader.aligned(16 * PAGE);
            for (int i = 0; i < 16; i++) {
                run.putLong(i * PAGE, i).putLong(i * PAGE + PAGE - 8, ~i);
            }
            store.write(10, run);
            ByteBuffer back = SwapHeader.aligned(16 * PAGE);
            store.read(10, back);
            assertThat(back.flip()).isEqualTo(run.flip());
            assertThat(plan.fired()).isPositive();
            assertThat(Thread.interrupted()).isEqualTo(fault == Fault.INTERRUPT);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"EIO", "ENOSPC"})
    void aFailureIsOneOfTheTransferAlone(Fault fault) throws IOException {
        FaultPlan plan = new FaultPlan(fault, 1);
        SwapFileSettings settings = new SwapFileSettings("file", directory.resolve("a"), SLOTS, false, false, false);
        try (FileStore store = FileStore.open(settings, plan.opener())) {
            store.write(10, page(1));
            plan.arm(1, false);
            assertThatThrownBy(() -> store.write(11, page(2))).isInstanceOf(IOException.class);
            store.write(11, page(3));
            ByteBuffer back = ByteBuffer.allocateDirect(2 * PAGE);
            store.read(10, back);
            assertThat(back.getLong(0)).isEqualTo(1);
            assertThat(back.getLong(PAGE)).isEqualTo(3);
        }
    }

    @Test
    void claimsItsSpaceWhenAsked() throws IOException {
        try (FileStore store = FileStore.open("file", directory.resolve("a"), SLOTS, true, false)) {
            ByteBuffer last = ByteBuffer.allocateDirect(PAGE);
            store.read(SLOTS - 1, last);
            assertThat(last.hasRemaining()).isFalse();
        }
    }

    @Test
    void oneFileServesOneStore() throws IOException {
        try (FileStore store = open("a", false)) {
            assertThatThrownBy(() -> open("a", false))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("in use");
            store.write(2, page(1));
        }
    }

    @Test
    void devicesAndDirectoriesAreNoSwapFiles() {
        assertThatThrownBy(() -> open(".", false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("regular");
        assertThatThrownBy(() -> FileStore.open("file", Path.of("/dev/zero"), SLOTS, false, false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("regular");
        assertThat(Path.of("/dev/zero")).exists();
    }

    @Test
    void whatWasThereBeforeIsNeverDeleted() throws IOException {
        Path empty = Files.createFile(directory.resolve("empty"));
        assertThatThrownBy(() -> FileStore.open("file", empty, Long.MAX_VALUE >>> 12, false, true))
                .isInstanceOf(IOException.class);
        assertThat(empty).exists();
    }

    /** Runs in a process that may not write files of more than 1 MiB. */
    public static final class Limited {
        public static void main(String[] arguments) throws IOException {
            Path file = Path.of(arguments[0]);
            try (FileStore store = FileStore.open("file", file, 100, true, false)) {
                System.out.println("fits: " + store.available());
            }
            try (FileStore store = FileStore.open("file", Path.of(arguments[0] + "2"), 1000, true, false)) {
                System.out.println("does not fit: " + store.available());
            } catch (IOException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }

    @Test
    void aFullDiskShowsWhenTheSpaceIsClaimed() throws Exception {
        Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -f 1024; exec \"$@\"",
                        "sh",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Limited.class.getName(),
                        directory.resolve("limited").toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("fits: 98").contains("refused: ").doesNotContain("does not fit");
        assertThat(directory.resolve("limited")).exists();
        assertThat(directory.resolve("limited2")).doesNotExist();
    }

    @Test
    void aFileCutFromOutsideIsAnError() throws IOException {
        try (FileStore store = open("a", false)) {
            store.write(20, page(20));
            try (FileChannel channel = FileChannel.open(directory.resolve("a"), StandardOpenOption.WRITE)) {
                channel.truncate(20 * PAGE + 100);
            }
            assertThatThrownBy(() -> store.read(20, ByteBuffer.allocateDirect(PAGE)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("ends");
            store.write(20, page(21));
            ByteBuffer back = ByteBuffer.allocateDirect(PAGE);
            store.read(20, back);
            assertThat(back.getLong(0)).isEqualTo(21);
        }
    }

    @Test
    void anInterruptedThreadGetsItsPageAndKeepsItsFlag() throws IOException {
        try (FileStore store = open("a", false)) {
            store.write(2, page(7));
            Thread.currentThread().interrupt();
            ByteBuffer back = ByteBuffer.allocateDirect(PAGE);
            store.read(2, back);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(back.getLong(0)).isEqualTo(7);
        }
    }

    @Test
    void interruptsInTheMiddleOfTransfersHurtNobody() throws Exception {
        int threads = 4;
        int rounds = 2_000;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        AtomicBoolean done = new AtomicBoolean();
        List<Thread> workers = new ArrayList<>();
        try (FileStore store = open("a", false)) {
            List<Future<?>> results = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                long slot = 2 + 16L * t;
                results.add(pool.submit(() -> {
                    synchronized (workers) {
                        workers.add(Thread.currentThread());
                    }
                    ByteBuffer run = ByteBuffer.allocateDirect(16 * PAGE);
                    for (int i = 0; i < rounds; i++) {
                        run.clear().putLong(0, slot * rounds + i).putLong(15 * PAGE, i);
                        store.write(slot, run);
                        store.read(slot, run.clear().putLong(0, -1));
                        assertThat(run.getLong(0)).isEqualTo(slot * rounds + i);
                        assertThat(run.getLong(15 * PAGE)).isEqualTo(i);
                    }
                    return null;
                }));
            }
            Thread interrupter = new Thread(() -> {
                while (!done.get()) {
                    synchronized (workers) {
                        workers.forEach(Thread::interrupt);
                    }
                    Thread.onSpinWait();
                }
            });
            interrupter.start();
            for (Future<?> result : results) {
                result.get();
            }
            done.set(true);
            interrupter.join();
        } finally {
            done.set(true);
            pool.shutdownNow();
        }
    }

    @Test
    void aClosedStoreIsAnError() throws IOException {
        FileStore store = open("a", false);
        store.close();
        assertThatThrownBy(() -> store.write(2, page(1))).isInstanceOf(IOException.class);
    }

    @Test
    void tooSmallIsRefused() {
        assertThatThrownBy(() -> FileStore.open("file", directory.resolve("a"), 2, false, false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("2 pages");
        assertThat(directory.resolve("a")).doesNotExist();
    }

    private static ByteBuffer page(long tag) {
        return ByteBuffer.allocateDirect(PAGE).putLong(0, tag);
    }
}
