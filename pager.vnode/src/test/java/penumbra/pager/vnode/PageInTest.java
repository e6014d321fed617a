// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
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
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.QueueId;
import penumbra.pager.PageRun;
import penumbra.pager.PagerResult;
import penumbra.vnode.FaultyNode;
import penumbra.vnode.FileNode;
import penumbra.vnode.MemoryFile;
import penumbra.vnode.Vnode;

class PageInTest {
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

    private List<String> counts() {
        List<String> counts = new ArrayList<>();
        machine.pager.forEach((name, value) -> counts.add(name + "=" + value));
        return counts;
    }

    private static byte[] pageOf(byte[] file, long pindex) {
        int from = (int) pindex * PAGE;
        return Arrays.copyOf(
                Arrays.copyOfRange(file, Math.min(from, file.length), Math.min(from + PAGE, file.length)), PAGE);
    }

    private void release(VmObject object, long pindex) {
        object.lock().lock();
        Page page = object.pages().lookup(pindex);
        page.activate();
        page.xunbusy();
        object.lock().unlock();
    }

    // What is where

    @Test
    void aPageHasItsNeighboursUpToTheEndOfTheFile() throws IOException {
        VmObject object = machine.objectOf(MemoryFile.of("nine", PAGE, random(8 * PAGE + 1)));
        assertThat(object.size()).isEqualTo(9);
        assertThat(has(object, 5)).isEqualTo(PageRun.of(5, 3));
        assertThat(has(object, 0)).isEqualTo(PageRun.of(0, 8));
        assertThat(has(object, 8)).isEqualTo(PageRun.of(8, 0));
        assertThat(has(object, 9)).isEqualTo(PageRun.NONE);
        assertThat(has(object, 1L << 50)).isEqualTo(PageRun.NONE);
    }

    @Test
    void aLongRunIsCutToWhatOneTransferMayMove() throws IOException {
        MemoryFile file = new MemoryFile("long", PAGE);
        file.put(0, new byte[200 * PAGE]);
        VmObject object = machine.objectOf(file);
        assertThat(has(object, 100)).isEqualTo(PageRun.of(31, 31));
    }

    @Test
    void aHoleIsNotThereAndEndsRuns() throws IOException {
        MemoryFile file = new MemoryFile("holes", PAGE);
        file.put(0, new byte[3 * PAGE]);
        file.put(8 * PAGE, new byte[10]);
        VmObject object = machine.objectOf(file);
        assertThat(has(object, 1)).isEqualTo(PageRun.of(1, 1));
        assertThat(has(object, 3)).isEqualTo(PageRun.NONE);
        assertThat(has(object, 8)).isEqualTo(PageRun.of(0, 0));
    }

    @Test
    void blocksStoredApartEndRuns() throws IOException {
        MemoryFile file = new MemoryFile("apart", PAGE, block -> block < 4 ? block + 100 : block);
        file.put(0, new byte[8 * PAGE]);
        VmObject object = machine.objectOf(file);
        assertThat(has(object, 2)).isEqualTo(PageRun.of(2, 1));
        assertThat(has(object, 4)).isEqualTo(PageRun.of(0, 3));
    }

    @Test
    void largeBlocksAreWholeRuns() throws IOException {
        MemoryFile file = new MemoryFile("large", 4 * PAGE, block -> block * 10);
        file.put(0, new byte[10 * PAGE]);
        VmObject object = machine.objectOf(file);
        assertThat(has(object, 5)).isEqualTo(PageRun.of(1, 2));
        assertThat(has(object, 8)).isEqualTo(PageRun.of(0, 1));
    }

    @Test
    void aPageOfSmallBlocksIsThereIfOneOfThemIs() throws IOException {
        MemoryFile file = new MemoryFile("small", 512);
        file.put(3 * 512, new byte[512]);
        file.put(3 * PAGE, new byte[512]);
        VmObject object = machine.objectOf(file);
        assertThat(has(object, 0)).isEqualTo(PageRun.of(0, 0));
        assertThat(has(object, 1)).isEqualTo(PageRun.NONE);
        assertThat(has(object, 3)).isEqualTo(PageRun.of(0, 0));
    }

    @Test
    void whereThePageIsCannotBeFoundOutMeansThatItIsThere() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("unknown", PAGE, random(5 * PAGE)));
        VmObject object = machine.objectOf(node);
        node.failMap();
        assertThat(has(object, 2)).isEqualTo(PageRun.of(0, 0));
        assertThat(machine.request(object, 2, 1, 2)).isEqualTo(PagerResult.ERROR);
        discard(object, 2);
    }

    private long has(VmObject object, long pindex) {
        object.lock().lock();
        try {
            return machine.pagers().hasPage(object, pindex);
        } finally {
            object.lock().unlock();
        }
    }

    private void discard(VmObject object, long pindex) {
        object.lock().lock();
        machine.pages.free(object.pages().lookup(pindex));
        object.lock().unlock();
    }

    @Test
    void nothingIsBehindTheEndOfAHostFile(@TempDir Path directory) throws IOException {
        Path path = Files.write(directory.resolve("file"), random(2 * PAGE + 1));
        VmObject object = machine.object(machine.vnodes.open("host", path.toString(), false));
        assertThat(has(object, 2)).isEqualTo(PageRun.of(2, 0));
        assertThat(has(object, 3)).isEqualTo(PageRun.NONE);
    }

    // Filling

    @Test
    void aRunIsReadInOneTransfer() throws IOException {
        byte[] contents = random(16 * PAGE);
        MemoryFile file = MemoryFile.of("run", PAGE, contents);
        VmObject object = machine.objectOf(file);
        assertThat(machine.request(object, 0, 16, 7)).isEqualTo(PagerResult.OK);
        assertThat(file.transfers()).isEqualTo(1);
        for (int i = 0; i < 16; i++) {
            Page page = machine.resident(object, i);
            assertThat(machine.bytes(page)).as("page %d", i).isEqualTo(pageOf(contents, i));
            assertThat(page.valid()).isEqualTo(Page.ALL);
            assertThat(page.dirty()).isZero();
            assertThat(page.xbusied()).isEqualTo(i == 7);
            assertThat(page.queue()).isEqualTo(i == 7 ? QueueId.NONE : QueueId.INACTIVE);
        }
        release(object, 7);
        assertThat(FileMachine.vnodeOf(object).holdCount()).isEqualTo(1);
    }

    @Test
    void whatIsLargerThanATransferTakesSeveral() throws IOException {
        byte[] contents = random(31 * PAGE + 17);
        MemoryFile file = MemoryFile.of("two", PAGE, contents);
        VmObject object = machine.objectOf(file);
        assertThat(machine.request(object, 0, 32, 31)).isEqualTo(PagerResult.OK);
        assertThat(file.transfers()).isEqualTo(2);
        for (int i = 0; i < 32; i++) {
            assertThat(machine.bytes(machine.resident(object, i))).isEqualTo(pageOf(contents, i));
        }
        release(object, 31);
    }

    @Test
    void thePageThatHoldsTheEndIsValidUpToItsBlock() throws IOException {
        byte[] contents = random(2 * PAGE + 890);
        VmObject object = machine.objectOf(MemoryFile.of("odd", PAGE, contents));
        assertThat(machine.request(object, 0, 3, 0)).isEqualTo(PagerResult.OK);
        Page last = machine.resident(object, 2);
        assertThat(last.valid()).isEqualTo(0b11);
        assertThat(counts()).contains("vm.stats.vm.v_vnodein=1", "vm.stats.vm.v_vnodepgsin=3");
        assertThat(machine.bytes(last)).isEqualTo(pageOf(contents, 2));
        release(object, 0);
        // Wanted itself, it is read again and zeroed to its own end.
        assertThat(machine.fault(object, 2).valid()).isEqualTo(Page.ALL);
        assertThat(machine.bytes(machine.resident(object, 2))).isEqualTo(pageOf(contents, 2));
    }

    @Test
    void staleFramesNeverShowBehindTheEnd() throws IOException {
        VmObject full = machine.objectOf(MemoryFile.of("full", PAGE, random(16 * PAGE)));
        for (int i = 0; i < 16; i++) {
            machine.fault(full, i);
        }
        machine.reclaim(FileMachine.vnodeOf(full));
        full.deallocate();
        byte[] contents = {1, 2, 3};
        VmObject object = machine.objectOf(MemoryFile.of("tiny", PAGE, contents));
        assertThat(machine.bytes(machine.fault(object, 0))).isEqualTo(pageOf(contents, 0));
    }

    @Test
    void aPageInAHoleIsZeroedAndItsNeighboursFreed() throws IOException {
        MemoryFile file = new MemoryFile("holes", PAGE);
        file.put(6 * PAGE, random(PAGE));
        VmObject object = machine.objectOf(file);
        assertThat(machine.request(object, 2, 4, 3)).isEqualTo(PagerResult.OK);
        assertThat(machine.bytes(machine.resident(object, 3))).isEqualTo(new byte[PAGE]);
        assertThat(machine.resident(object, 3).valid()).isEqualTo(Page.ALL);
        assertThat(machine.resident(object, 2)).isNull();
        assertThat(machine.resident(object, 4)).isNull();
        assertThat(file.transfers()).isZero();
        release(object, 3);
    }

    @Test
    void pagesOutsideOfTheRunAreFreed() throws IOException {
        byte[] contents = random(8 * PAGE);
        MemoryFile file =
                new MemoryFile("apart", PAGE, block -> block < 3 ? block + 100 : block < 6 ? block : block + 7);
        file.put(0, contents);
        VmObject object = machine.objectOf(file);
        assertThat(machine.request(object, 0, 8, 4)).isEqualTo(PagerResult.OK);
        for (int i = 0; i < 8; i++) {
            Page page = machine.resident(object, i);
            if (i >= 3 && i < 6) {
                assertThat(machine.bytes(page)).isEqualTo(pageOf(contents, i));
            } else {
                assertThat(page).as("page %d", i).isNull();
            }
        }
        release(object, 4);
    }

    @Test
    void aValidPageIsNotReadAgain() throws IOException {
        MemoryFile file = MemoryFile.of("valid", PAGE, random(4 * PAGE));
        VmObject object = machine.objectOf(file);
        machine.fault(object, 0);
        int before = file.transfers();
        object.lock().lock();
        Page page = object.pages().lookup(1);
        page.xbusy();
        assertThat(machine.pager.getPages(object, new Page[] {page}, 1, 0)).isEqualTo(PagerResult.OK);
        page.xunbusy();
        object.lock().unlock();
        assertThat(file.transfers()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 1_024, 2_048})
    void smallBlocksAreReadOneByOne(int blockSize) throws IOException {
        byte[] contents = new byte[2 * PAGE + 700];
        MemoryFile file = new MemoryFile("small", blockSize);
        byte[] some = random(PAGE / 2);
        file.put(PAGE / 2, some);
        System.arraycopy(some, 0, contents, PAGE / 2, some.length);
        byte[] tail = random(700);
        file.put(2 * PAGE, tail);
        System.arraycopy(tail, 0, contents, 2 * PAGE, tail.length);
        VmObject object = machine.objectOf(file);
        for (int i = 0; i < 3; i++) {
            assertThat(machine.bytes(machine.fault(object, i))).as("page %d", i).isEqualTo(pageOf(contents, i));
        }
        int perHalf = PAGE / 2 / blockSize;
        assertThat(file.transfers()).isEqualTo(perHalf + (700 + blockSize - 1) / blockSize);
    }

    @Test
    void smallBlocksThatAreValidKeepTheirContents() throws IOException {
        byte[] contents = random(PAGE);
        VmObject object = machine.objectOf(MemoryFile.of("partly", 512, contents));
        byte[] own = new byte[PAGE];
        Arrays.fill(own, (byte) 42);
        object.lock().lock();
        Page page = machine.pages.alloc(object, 0, 0);
        machine.memory().write(page.frame(), 0, own, 0, PAGE);
        page.setValid(0b0011_1000);
        assertThat(machine.pagers().getPages(object, new Page[] {page}, 1, 0)).isEqualTo(PagerResult.OK);
        page.activate();
        page.xunbusy();
        object.lock().unlock();
        byte[] expected = contents.clone();
        Arrays.fill(expected, 3 * 512, 6 * 512, (byte) 42);
        assertThat(machine.bytes(page)).isEqualTo(expected);
        assertThat(page.valid()).isEqualTo(Page.ALL);
    }

    @Test
    void aPageInAHoleIsValidBeforeAnybodyMakesItSo() throws IOException {
        MemoryFile file = new MemoryFile("hole", PAGE);
        file.put(PAGE, new byte[10]);
        VmObject object = machine.objectOf(file);
        object.lock().lock();
        Page page = machine.pages.alloc(object, 0, 0);
        assertThat(machine.pager.getPages(object, new Page[] {page}, 1, 0)).isEqualTo(PagerResult.OK);
        assertThat(page.valid()).isEqualTo(Page.ALL);
        page.activate();
        page.xunbusy();
        object.lock().unlock();
        assertThat(machine.bytes(page)).isEqualTo(new byte[PAGE]);
    }

    @Test
    void aFileThatIsCutWhileItIsReadIsValidToItsNewEnd() throws IOException {
        byte[] contents = random(PAGE + 3_000);
        AtomicReference<Vnode> vnode = new AtomicReference<>();
        HookedNode node = new HookedNode(MemoryFile.of("cut", PAGE, contents), () -> {
            try {
                machine.sizes.truncate(vnode.get(), PAGE + 100);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        vnode.set(machine.wrap(node));
        VmObject object = machine.object(vnode.get());
        object.lock().lock();
        Page page = machine.pages.alloc(object, 1, 0);
        assertThat(machine.pager.getPages(object, new Page[] {page}, 1, 0)).isEqualTo(PagerResult.OK);
        assertThat(page.valid()).isEqualTo(1);
        page.deactivate();
        page.xunbusy();
        object.lock().unlock();
        assertThat(machine.bytes(machine.fault(object, 1)))
                .isEqualTo(Arrays.copyOf(Arrays.copyOfRange(contents, PAGE, PAGE + 100), PAGE));
    }

    @Test
    void aPageThatSomebodyWaitsForGoesToActive() throws Exception {
        AtomicReference<VmObject> object = new AtomicReference<>();
        Thread waiter = new Thread(() -> {
            object.get().lock().lock();
            object.get().pages().lookup(1).busySleep("test");
        });
        HookedNode node = new HookedNode(MemoryFile.of("wanted", PAGE, random(3 * PAGE)), () -> {
            waiter.start();
            Page page = machine.resident(object.get(), 1);
            while (!page.hasBusyWaiters()) {
                Thread.onSpinWait();
            }
        });
        object.set(machine.objectOf(node));
        assertThat(machine.request(object.get(), 0, 3, 0)).isEqualTo(PagerResult.OK);
        waiter.join();
        assertThat(machine.resident(object.get(), 1).queue()).isEqualTo(QueueId.ACTIVE);
        assertThat(machine.resident(object.get(), 2).queue()).isEqualTo(QueueId.INACTIVE);
        release(object.get(), 0);
    }

    /** Lets something happen after the first read. */
    private static final class HookedNode extends ForwardingNode {
        private Runnable hook;

        HookedNode(FileNode inner, Runnable hook) {
            super(inner);
            this.hook = hook;
        }

        @Override
        public int read(long offset, ByteBuffer to) throws IOException {
            int got = super.read(offset, to);
            Runnable once = hook;
            hook = () -> {};
            once.run();
            return got;
        }
    }

    // Trouble

    @Test
    void aPageThatWasValidInPartIsNotAfterItCouldNotBeRead() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("part", PAGE, random(PAGE + 100)));
        VmObject object = machine.objectOf(node);
        machine.fault(object, 0);
        object.lock().lock();
        Page page = object.pages().lookup(1);
        assertThat(page.valid()).isEqualTo(1);
        page.dequeue();
        page.xbusy();
        node.failOnce(1);
        assertThat(machine.pagers().getPages(object, new Page[] {page}, 1, 0)).isEqualTo(PagerResult.ERROR);
        assertThat(page.valid()).isZero();
        machine.pages.free(page);
        object.lock().unlock();
    }

    @Test
    void smallBlocksOfAFileThatSomebodyCutEndInZeroes() throws IOException {
        byte[] contents = random(PAGE);
        MemoryFile file = MemoryFile.of("cut", 2_048, contents);
        VmObject object = machine.objectOf(file);
        FileMachine.vnodeOf(object).node().truncate(2_048 + 100);
        assertThat(machine.bytes(machine.fault(object, 0)))
                .isEqualTo(Arrays.copyOf(Arrays.copyOf(contents, 2_048 + 100), PAGE));
    }

    @Test
    void aRunThatCannotBeReadIsTriedPageByPage() throws IOException {
        byte[] contents = random(8 * PAGE);
        FaultyNode node = new FaultyNode(MemoryFile.of("bad", PAGE, contents));
        VmObject object = machine.objectOf(node);
        node.failOnce(1);
        assertThat(machine.request(object, 0, 8, 5)).isEqualTo(PagerResult.OK);
        assertThat(node.failures()).isEqualTo(1);
        assertThat(object.pages().count()).isEqualTo(1);
        assertThat(machine.bytes(machine.resident(object, 5))).isEqualTo(pageOf(contents, 5));
        release(object, 5);
    }

    @Test
    void anUnreadablePageIsAnErrorAndStaysInvalid() throws IOException {
        FaultyNode node = new FaultyNode(MemoryFile.of("bad", PAGE, random(8 * PAGE)));
        VmObject object = machine.objectOf(node);
        node.failFrom(1);
        assertThat(machine.request(object, 0, 8, 5)).isEqualTo(PagerResult.ERROR);
        assertThat(object.pages().count()).isEqualTo(1);
        Page page = machine.resident(object, 5);
        assertThat(page.valid()).isZero();
        assertThat(page.xbusied()).isTrue();
        discard(object, 5);
        assertThat(counts()).contains("vm.stats.vm.v_vnodeerrors=1");
    }

    @ParameterizedTest
    @ValueSource(ints = {512, PAGE, 4 * PAGE})
    void whicheverReadFailsNoWrongByteIsServed(int blockSize) throws IOException {
        byte[] contents = random(20 * PAGE + 1_000);
        int n = 0;
        boolean clean = false;
        while (!clean) {
            FaultyNode node = new FaultyNode(MemoryFile.of("faulty", blockSize, contents));
            VmObject object = machine.objectOf(node);
            node.failOnce(++n);
            int errors = 0;
            for (int i = 0; i < 21; i++) {
                try {
                    machine.fault(object, i);
                } catch (IOException expected) {
                    errors++;
                }
                assertThat(machine.bytes(machine.fault(object, i))).isEqualTo(pageOf(contents, i));
            }
            assertThat(errors).isLessThanOrEqualTo(node.failures());
            clean = node.failures() == 0;
            machine.reclaim(FileMachine.vnodeOf(object));
            object.deallocate();
        }
        assertThat(n).isGreaterThan(1);
    }

    @Test
    void aFileThatSomebodyCutEndsInErrorsNotInZeroes(@TempDir Path directory) throws IOException {
        byte[] contents = random(6 * PAGE);
        Path path = Files.write(directory.resolve("cut"), contents);
        VmObject object = machine.object(machine.vnodes.open("host", path.toString(), false));
        Files.write(path, Arrays.copyOf(contents, 2 * PAGE + 100));
        assertThat(machine.request(object, 0, 6, 4)).isEqualTo(PagerResult.ERROR);
        assertThat(machine.resident(object, 5)).isNull();
        assertThat(machine.resident(object, 3)).isNull();
        assertThat(machine.bytes(machine.resident(object, 1))).isEqualTo(pageOf(contents, 1));
        assertThat(machine.bytes(machine.resident(object, 2)))
                .startsWith(Arrays.copyOfRange(contents, 2 * PAGE, 2 * PAGE + 100));
        discard(object, 4);
    }

    @Test
    void aFileThatIsBeingGivenUpHasNoPages() throws IOException {
        Vnode vnode = machine.wrap(MemoryFile.of("gone", PAGE, random(2 * PAGE)));
        VmObject object = machine.object(vnode);
        Vnode doomed = (Vnode) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Vnode.class},
                (proxy, method, arguments) ->
                        method.getName().equals("doomed") ? Boolean.TRUE : method.invoke(vnode, arguments));
        object.lock().lock();
        object.setHandle(doomed);
        object.lock().unlock();
        assertThat(has(object, 0)).isEqualTo(PageRun.NONE);
        assertThat(machine.request(object, 0, 2, 1)).isEqualTo(PagerResult.BAD);
        assertThat(machine.resident(object, 0)).isNull();
        discard(object, 1);
        object.lock().lock();
        object.setHandle(vnode);
        object.lock().unlock();
    }
}
