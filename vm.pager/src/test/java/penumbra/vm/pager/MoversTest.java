// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernReturn;
import penumbra.pager.MemoryStore;
import penumbra.pager.SwapSpace;
import penumbra.pager.SwapSpace.TransferProbe;

/** The two threads of one drain, one of which stands still. */
@Timeout(60)
class MoversTest {
    private static final int BLOCK = SwapSpace.BLOCK_PAGES;
    private static final int PAGES = 3 * BLOCK;
    private static final int SLOTS = 1024;

    private final TestKernel kernel = TestKernel.threaded(4096);
    private final SwapSpace swap = kernel.layer.swap();
    private final MemoryStore a = new MemoryStore(SLOTS);
    private final MemoryStore b = new MemoryStore(SLOTS);
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private final CountDownLatch written = new CountDownLatch(PAGES - BLOCK);

    @AfterEach
    void shutDown() {
        kernel.check();
        kernel.close();
    }

    /** Stops the mover that comes to the first block, and counts what is written to the target. */
    private TransferProbe stopAtFirstBlock() {
        return (store, write, slot, pages) -> {
            if (write) {
                for (int i = 0; i < pages; i++) {
                    written.countDown();
                }
            } else if (slot < BLOCK && Thread.currentThread().getName().equals("swap mover")) {
                arrived.countDown();
                await(open);
            }
        };
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void theOtherMovesAllOtherBlocksAndNobodyWaits() throws Exception {
        kernel.layer.attach(a, 0);
        TestObject object = kernel.swapped(PAGES, 500);
        kernel.layer.attach(b, 0);
        swap.setProbe(stopAtFirstBlock());
        assertThat(swap.drain(a)).isEqualTo(KernReturn.SUCCESS);
        arrived.await();
        written.await();
        assertThat(b.available()).as("a block has one mover").isEqualTo(SLOTS - PAGES + BLOCK);
        assertThat(kernel.read(object, 3)).as("on the move").isEqualTo(503);
        open.countDown();
        swap.awaitDrained();
        assertThat(a.available()).isEqualTo(SLOTS);
        assertThat(b.available()).isEqualTo(SLOTS - PAGES);
        for (long page = 0; page < PAGES; page++) {
            assertThat(kernel.read(object, page)).isEqualTo(500 + page);
        }
        object.deallocate();
    }
}
