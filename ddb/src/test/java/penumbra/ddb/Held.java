// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import penumbra.kern.KernelLock;
import penumbra.map.AddressSpace;

/** What happens while another thread holds a lock. */
final class Held {
    private final CountDownLatch taken = new CountDownLatch(1);
    private final CountDownLatch given = new CountDownLatch(1);

    private Held() {}

    /** Runs {@code meanwhile} while somebody else holds {@code lock}. */
    static void during(KernelLock lock, Runnable meanwhile) throws InterruptedException {
        new Held()
                .run(
                        hold -> {
                            lock.lock();
                            hold.run();
                            lock.unlock();
                        },
                        meanwhile);
    }

    /** Runs {@code meanwhile} while somebody else holds the lock of {@code space}, which has one entry. */
    static void during(AddressSpace space, Runnable meanwhile) throws InterruptedException {
        new Held().run(hold -> space.forEach(entry -> hold.run()), meanwhile);
    }

    private void run(Consumer<Runnable> holding, Runnable meanwhile) throws InterruptedException {
        Thread holder = new Thread(() -> holding.accept(this::hold), "holder");
        holder.start();
        taken.await();
        try {
            meanwhile.run();
        } finally {
            given.countDown();
            holder.join();
        }
    }

    private void hold() {
        taken.countDown();
        try {
            given.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
