// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.PageSize;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.vnode.FaultyNode;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

/** Long random runs against a plain array of what the file must be. */
class FileModelTest {
    private static final int PAGE = PageSize.BYTES;
    private static final int MOST_PAGES = 24;

    private final FileMachine machine = new FileMachine();

    @AfterEach
    void everythingHolds() {
        machine.check();
        machine.close();
    }

    /** The file, its object and what must be in it. */
    private final class Model {
        final Random random;
        final VmObject object;
        byte[] expected;

        Model(long seed, VmObject object, byte[] contents) {
            this.random = new Random(seed);
            this.object = object;
            this.expected = contents.clone();
        }

        void step() throws IOException {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> store();
                case 3, 4 -> look(random.nextInt(Math.max(1, (int) object.size())));
                case 5 -> resize();
                case 6 -> evict();
                default -> object.sync(from(), 1 + random.nextInt(4), random.nextBoolean(), random.nextBoolean());
            }
        }

        private int from() {
            return random.nextInt(MOST_PAGES);
        }

        private void store() throws IOException {
            if (expected.length == 0) {
                return;
            }
            int at = random.nextInt(expected.length);
            int length = Math.min(1 + random.nextInt(600), Math.min(PAGE - at % PAGE, expected.length - at));
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            machine.store(object, at / PAGE, at % PAGE, bytes);
            System.arraycopy(bytes, 0, expected, at, length);
        }

        private void look(int pindex) throws IOException {
            if (pindex < object.size()) {
                assertThat(machine.bytes(machine.fault(object, pindex)))
                        .as("page %d of %d bytes", pindex, expected.length)
                        .isEqualTo(Arrays.copyOf(
                                Arrays.copyOfRange(
                                        expected, pindex * PAGE, Math.min(expected.length, (pindex + 1) * PAGE)),
                                PAGE));
            }
        }

        private void resize() throws IOException {
            int size = random.nextInt(MOST_PAGES * PAGE);
            machine.sizes.truncate(FileMachine.vnodeOf(object), size);
            expected = Arrays.copyOf(expected, size);
        }

        private void evict() {
            object.lock().lock();
            if (random.nextBoolean()) {
                object.pageCache(from(), 0);
            } else {
                object.pageRemove(from(), 0, ObjectFlags.REMOVE_CLEANONLY);
            }
            object.lock().unlock();
        }

        void finish() throws IOException {
            for (int i = 0; i < object.size(); i++) {
                look(i);
            }
            machine.check();
            machine.reclaim(FileMachine.vnodeOf(object));
            object.deallocate();
        }
    }

    @Test
    void aHostFileIsWhatWasStored(@TempDir Path directory) throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        byte[] contents = new byte[10 * PAGE + 123];
        new Random(seed).nextBytes(contents);
        Path path = Files.write(directory.resolve("file"), contents);
        Vnode vnode = machine.vnodes.open("host", path.toString(), true);
        Model model = new Model(seed, machine.object(vnode), contents);
        vnode.release();
        for (int i = 0; i < 4_000; i++) {
            model.step();
        }
        model.finish();
        assertThat(Files.readAllBytes(path)).isEqualTo(model.expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 2_048, PAGE, 8 * PAGE})
    void aFileOfAnyBlockSizeIsWhatWasStored(int blockSize) throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        MemoryFile file = new MemoryFile("blocks", blockSize, block -> block ^ 2);
        file.put(0, new byte[5 * PAGE]);
        Model model = new Model(seed, machine.objectOf(file), new byte[5 * PAGE]);
        for (int i = 0; i < 1_500; i++) {
            model.step();
        }
        model.finish();
        assertThat(file.contents()).isEqualTo(model.expected);
    }

    /** Failing transfers may fail what was asked for, but never change what is read or lose what was stored. */
    @Test
    void aFileThatFailsNowAndThenIsWhatWasStored() throws IOException {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        MemoryFile file = MemoryFile.of("faulty", PAGE, new byte[8 * PAGE]);
        FaultyNode node = new FaultyNode(file);
        Model model = new Model(seed, machine.objectOf(node), new byte[8 * PAGE]);
        Random faults = new Random(seed + 1);
        int failed = 0;
        for (int i = 0; i < 3_000; i++) {
            if (faults.nextInt(5) == 0) {
                node.failOnce(1 + faults.nextInt(3));
            }
            if (faults.nextInt(20) == 0) {
                node.setRoom(faults.nextInt(3 * PAGE));
            }
            try {
                model.step();
            } catch (IOException expected) {
                failed++;
            }
            if (faults.nextInt(4) == 0) {
                node.heal();
            }
        }
        assertThat(failed).isPositive();
        node.heal();
        model.finish();
        assertThat(file.contents()).isEqualTo(model.expected);
    }

    /** Each thread has bytes of its own in every page; one cuts and extends the file behind them. */
    @Test
    void manyThreadsKeepTheirBytes(@TempDir Path directory) throws Exception {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        int threads = 3;
        int share = 1_000;
        int kept = 12;
        Path path = Files.write(directory.resolve("shared"), new byte[kept * PAGE]);
        Vnode vnode = machine.vnodes.open("host", path.toString(), true);
        VmObject object = machine.object(vnode);
        byte[][] expected = new byte[kept][PAGE];
        AtomicReference<Throwable> trouble = new AtomicReference<>();
        List<Thread> running = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int from = t * share;
            Random random = new Random(seed + t);
            running.add(new Thread(() -> {
                try {
                    for (int i = 0; i < 1_500; i++) {
                        int page = random.nextInt(kept);
                        byte[] mine = new byte[share];
                        random.nextBytes(mine);
                        machine.store(object, page, from, mine);
                        System.arraycopy(mine, 0, expected[page], from, share);
                        if (random.nextInt(10) == 0) {
                            object.sync(page, 1 + random.nextInt(5), random.nextBoolean(), random.nextBoolean());
                        }
                        int other = random.nextInt(kept);
                        assertThat(Arrays.copyOfRange(lookStill(object, other), from, from + share))
                                .as("page %d from %d", other, from)
                                .isEqualTo(Arrays.copyOfRange(expected[other], from, from + share));
                    }
                } catch (IOException | RuntimeException | Error e) {
                    trouble.compareAndSet(null, e);
                }
            }));
        }
        Random random = new Random(seed + threads);
        running.forEach(Thread::start);
        while (running.stream().anyMatch(Thread::isAlive) && trouble.get() == null) {
            machine.sizes.truncate(vnode, (kept + random.nextInt(6)) * PAGE + random.nextInt(PAGE));
            object.lock().lock();
            if (random.nextBoolean()) {
                object.pageCache(0, 0);
            } else {
                object.pageRemove(random.nextInt(kept), 0, ObjectFlags.REMOVE_CLEANONLY);
            }
            object.lock().unlock();
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertThat(trouble.get()).isNull();
        machine.check();
        machine.vnodes.fsync(vnode);
        byte[] file = Files.readAllBytes(path);
        for (int i = 0; i < kept; i++) {
            assertThat(Arrays.copyOfRange(file, i * PAGE, (i + 1) * PAGE)).isEqualTo(expected[i]);
        }
    }

    /** The bytes of a page, looked at under the object's lock. */
    private byte[] lookStill(VmObject object, int pindex) throws IOException {
        while (true) {
            var page = machine.fault(object, pindex);
            object.lock().lock();
            try {
                if (object.pages().lookup(pindex) == page && page.valid() == 0xff) {
                    return machine.bytes(page);
                }
            } finally {
                object.lock().unlock();
            }
        }
    }
}
