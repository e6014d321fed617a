// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import penumbra.kern.KernelPanic;
import penumbra.object.ObjectType;
import penumbra.pager.MemoryStore;
import penumbra.pager.PagerResult;

/** What is left of the pager layer when the machine was halted in the middle of something. */
@Timeout(60)
class HaltTest {
    private final TestKernel kernel = TestKernel.threaded(512);
    private final MemoryStore store = new MemoryStore(600);

    /** Sends a page-out to a writer that panics in it. */
    private void panicInAWriter() throws InterruptedException {
        kernel.layer.attach(store, 0);
        TestObject object = kernel.object(ObjectType.DEFAULT, 4);
        kernel.fill(object, 0, 1);
        CountDownLatch inWriter = new CountDownLatch(1);
        kernel.layer.swap().setProbe((in, write, slot, pages) -> {
            inWriter.countDown();
            throw new KernelPanic("in the writer");
        });
        Thread daemon = new Thread(() -> {
            kernel.pages.setDaemonThread(true);
            assertThat(kernel.flush(object, 0, 1, 0)).containsOnly(PagerResult.PEND);
            kernel.pages.setDaemonThread(false);
        });
        daemon.start();
        daemon.join();
        inWriter.await();
        while (kernel.machine.panic() == null) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theLayerCanBeClosed() throws InterruptedException {
        panicInAWriter();
        assertThat(kernel.machine.panic()).hasMessage("in the writer");
        kernel.layer.close();
        assertThat(store.retired()).isTrue();
        kernel.layer.detach(store);
    }

    @Test
    void theStoreCanLeave() throws InterruptedException {
        panicInAWriter();
        kernel.layer.detach(store);
        assertThat(store.retired()).isFalse();
        kernel.layer.close();
    }
}
