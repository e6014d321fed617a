// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
    void aFileOfAnotherSizeBecomesAnotherStore() throws IOException {
        String identity;
        try (FileStore store = open("a", false)) {
            identity = store.identity();
        }
        try (FileStore store = FileStore.open("file", directory.resolve("a"), SLOTS + 1, false, false)) {
            assertThat(store.identity()).isNotEqualTo(identity);
            assertThat(Files.size(directory.resolve("a"))).isEqualTo((SLOTS + 1) * PAGE);
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
            try (var channel = java.nio.channels.FileChannel.open(
                    directory.resolve("a"), java.nio.file.StandardOpenOption.WRITE)) {
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
