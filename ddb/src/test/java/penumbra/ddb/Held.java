// SPDX-License-Identifier: BSD-2-Clause
package penumbra.ddb;

import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import penumbra.kern.KernelLock;
import penumbra.map.AddressSpace;

/** A thread that holds a lock until this is closed. */
final class Held implements AutoCloseable {
    private final CountDownLatch taken = new CountDownLatch(1);
    private final CountDownLatch given = new CountDownLatch(1);
    private final Thread holder;

    private Held(Consumer<Runnable> holding) throws InterruptedException {
        holder = new Thread(() -> holding.accept(this::hold), "holder");
        holder.start();
        taken.await();
    }

    /** Somebody else holds {@code lock} from now on. */
    static Held of(KernelLock lock) throws InterruptedException {
        return new Held(hold -> {
            lock.lock();
            hold.run();
            lock.unlock();
        });
    }

    /** Somebody else holds the lock of {@code space}, which maps something, from now on. */
    static Held of(AddressSpace space) throws InterruptedException {
        boolean[] first = {true};
        return new Held(hold -> space.forEach(entry -> {
            if (first[0]) {
                first[0] = false;
                hold.run();
            }
        }));
    }

    private void hold() {
        taken.countDown();
        try {
            given.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        given.countDown();
        holder.join();
    }
}
