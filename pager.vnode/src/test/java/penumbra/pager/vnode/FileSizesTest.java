// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import penumbra.hw.PageSize;
import penumbra.hw.Pmap;
import penumbra.object.ObjectFlags;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.pager.PagerResult;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

class FileSizesTest {
    private static final int PAGE = PageSize.BYTES;

    private final FileMachine machine = new FileMachine();

    @AfterEach
    void everythingHolds() {
        machine.check();
        machine.close();
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private void truncate(VmObject object, long bytes) throws IOException {
        machine.sizes.truncate(FileMachine.vnodeOf(object), bytes);
    }

    @Test
    void growingChangesTheSizesOnly() throws IOException {
        byte[] contents = random(PAGE + 300);
        MemoryFile file = MemoryFile.of("grow", PAGE, contents);
        VmObject object = machine.objectOf(file);
        machine.fault(object, 0);
        assertThat(machine.resident(object, 1).valid()).isEqualTo(1);
        truncate(object, 4 * PAGE + 1);
        assertThat(object.size()).isEqualTo(5);
        assertThat(FileMachine.vnodeOf(object).size()).isEqualTo(4 * PAGE + 1);
        assertThat(file.size()).isEqualTo(4 * PAGE + 1);
        assertThat(machine.resident(object, 1).valid()).isEqualTo(1);
        assertThat(machine.bytes(machine.fault(object, 1)))
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(contents, PAGE, PAGE + 300), PAGE));
        assertThat(machine.bytes(machine.fault(object, 4))).isEqualTo(new byte[PAGE]);
    }

    @Test
    void shrinkingFreesPagesAndTheirMappings() throws IOException {
        VmObject object = machine.objectOf(MemoryFile.of("shrink", PAGE, random(6 * PAGE)));
        Pmap[] pmaps = new Pmap[6];
        for (int i = 0; i < 6; i++) {
            pmaps[i] = machine.map(object, machine.fault(object, i));
        }
        truncate(object, 2 * PAGE);
        assertThat(object.size()).isEqualTo(2);
        for (int i = 0; i < 6; i++) {
            assertThat(machine.resident(object, i) != null).as("page %d", i).isEqualTo(i < 2);
            assertThat(pmaps[i].residentCount()).isEqualTo(i < 2 ? 1 : 0);
            pmaps[i].remove(0, 6 * PAGE);
            pmaps[i].release();
        }
        assertThatThrownBy(() -> machine.fault(object, 2)).isInstanceOf(IOException.class);
    }

    @Test
    void theRestOfTheLastPageIsZeroedAndClean() throws IOException {
        byte[] contents = random(2 * PAGE);
        MemoryFile file = MemoryFile.of("tail", PAGE, contents);
        VmObject object = machine.objectOf(file);
        machine.store(object, 1, 4_000, new byte[] {1, 2, 3});
        truncate(object, PAGE + 1_100);
        Page page = machine.resident(object, 1);
        assertThat(machine.bytes(page))
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(contents, PAGE, PAGE + 1_100), PAGE));
        assertThat(page.valid()).isEqualTo(Page.ALL);
        assertThat(page.dirty()).as("blocks up to the one that holds the end").isEqualTo(0b111);
        truncate(object, 2 * PAGE);
        assertThat(machine.bytes(machine.fault(object, 1)))
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(contents, PAGE, PAGE + 1_100), PAGE));
        assertThat(object.sync(0, 2, true, false)).isTrue();
        byte[] expected = Arrays.copyOf(Arrays.copyOf(contents, PAGE + 1_100), 2 * PAGE);
        assertThat(file.contents()).isEqualTo(expected);
    }

    @Test
    void aPageThatWasValidInPartIsValidBehindTheEnd() throws IOException {
        VmObject object = machine.objectOf(MemoryFile.of("part", PAGE, random(PAGE + 1_400)));
        machine.fault(object, 0);
        assertThat(machine.resident(object, 1).valid()).isEqualTo(0b111);
        truncate(object, PAGE + 600);
        assertThat(machine.resident(object, 1).valid()).isEqualTo(Page.ALL);
        assertThat(machine.resident(object, 1).dirty()).isZero();
    }

    @Test
    void aCachedLastPageIsForgotten() throws IOException {
        byte[] contents = random(3 * PAGE);
        VmObject object = machine.objectOf(MemoryFile.of("cached", PAGE, contents));
        machine.fault(object, 0);
        object.lock().lock();
        object.pageCache(0, 0);
        assertThat(object.pages().cacheEmpty()).isFalse();
        object.lock().unlock();
        assertThat(FileMachine.vnodeOf(object).holdCount()).isEqualTo(1);
        truncate(object, PAGE + 100);
        object.lock().lock();
        assertThat(object.pages().findLeastCached(0).pindex()).isZero();
        assertThat(object.pages().findLeastCached(1)).isNull();
        object.lock().unlock();
        assertThat(machine.bytes(machine.fault(object, 1)))
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(contents, PAGE, PAGE + 100), PAGE));
    }

    @Test
    void toNothingAndBack() throws IOException {
        MemoryFile file = MemoryFile.of("nothing", PAGE, random(3 * PAGE + 7));
        VmObject object = machine.objectOf(file);
        for (int i = 0; i < 4; i++) {
            machine.store(object, i, 0, new byte[] {1});
        }
        truncate(object, 0);
        assertThat(object.size()).isZero();
        assertThat(object.pages().count()).isZero();
        assertThat(FileMachine.vnodeOf(object).holdCount()).isZero();
        truncate(object, 2 * PAGE + 5);
        for (int i = 0; i < 3; i++) {
            assertThat(machine.bytes(machine.fault(object, i))).isEqualTo(new byte[PAGE]);
        }
        object.sync(0, 3, true, false);
        assertThat(file.contents()).isEqualTo(new byte[2 * PAGE + 5]);
    }

    @Test
    void aFileThatCannotBeCutStaysAsItIs() throws IOException {
        MemoryFile file = MemoryFile.of("stays", PAGE, random(3 * PAGE));
        VmObject object = machine.objectOf(file);
        machine.fault(object, 2);
        file.close();
        assertThatThrownBy(() -> truncate(object, PAGE)).isInstanceOf(IOException.class);
        assertThat(object.size()).isEqualTo(3);
        assertThat(FileMachine.vnodeOf(object).size()).isEqualTo(3 * PAGE);
        assertThat(machine.resident(object, 2).valid()).isEqualTo(Page.ALL);
        assertThat(FileMachine.vnodeOf(object).lock().isHeld()).isFalse();
    }

    @Test
    void aFileWithoutPagesInMemoryHasASizeToo() throws IOException {
        Vnode vnode = machine.wrap(MemoryFile.of("bare", PAGE, random(100)));
        machine.sizes.truncate(vnode, 5_000);
        assertThat(vnode.size()).isEqualTo(5_000);
        assertThat(machine.object(vnode).size()).isEqualTo(2);
    }

    @Test
    void cuttingWaitsForAPageThatIsBeingRead() throws Exception {
        VmObject object = machine.objectOf(MemoryFile.of("busy", PAGE, random(4 * PAGE)));
        assertThat(machine.request(object, 3, 1, 3)).isEqualTo(PagerResult.OK);
        Page page = machine.resident(object, 3);
        Thread cutter = new Thread(() -> {
            try {
                truncate(object, PAGE);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        cutter.start();
        while (!page.hasBusyWaiters()) {
            Thread.onSpinWait();
        }
        assertThat(object.size()).isEqualTo(4);
        object.lock().lock();
        page.activate();
        page.xunbusy();
        object.lock().unlock();
        cutter.join();
        assertThat(object.size()).isEqualTo(1);
        assertThat(machine.resident(object, 3)).isNull();
    }

    @Test
    void noWriteMakesACutFileLongAgain() throws Exception {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        MemoryFile file = MemoryFile.of("raced", PAGE, new byte[8 * PAGE]);
        VmObject object = machine.objectOf(file);
        Thread flusher = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                object.lock().lock();
                object.pageClean(0, 0, 0);
                object.lock().unlock();
            }
        });
        flusher.start();
        Random random = new Random(seed);
        for (int i = 0; i < 500; i++) {
            for (int p = 0; p < object.size(); p++) {
                machine.store(object, p, 0, new byte[] {(byte) i});
            }
            long size = random.nextInt(8 * PAGE);
            truncate(object, size);
            assertThat(file.size()).isEqualTo(size);
        }
        flusher.interrupt();
        flusher.join();
        object.lock().lock();
        object.pageClean(0, 0, ObjectFlags.CLEAN_SYNC);
        object.lock().unlock();
        assertThat(file.size()).isEqualTo(FileMachine.vnodeOf(object).size());
    }
}
