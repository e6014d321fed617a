// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.concurrent.CountDownLatch;

/** A place where threads stop until it is opened, and which tells that one has come. */
final class Gate {
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch opened = new CountDownLatch(1);

    void pass() {
        arrived.countDown();
        await(opened);
    }

    void awaitArrival() {
        await(arrived);
    }

    void open() {
        opened.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
