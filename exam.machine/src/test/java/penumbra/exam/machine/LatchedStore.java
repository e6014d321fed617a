// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;

/** A store that can be stopped in the middle of one call: whoever makes it stands still until it is let go. */
final class LatchedStore extends ForwardingStore<BackingStore> {
    /** Where a caller can be stopped. */
    enum Point {
        READ,
        HAS_READ,
        ALLOCATE,
        WRITE,
        HAS_WRITTEN
    }

    private volatile @Nullable Point armed;
    private volatile CountDownLatch arrived = new CountDownLatch(0);
    private volatile CountDownLatch open = new CountDownLatch(0);

    LatchedStore(BackingStore real) {
        super(real);
    }

    /** The next to come to {@code point} is stopped there. */
    void arm(Point point) {
        arrived = new CountDownLatch(1);
        open = new CountDownLatch(1);
        armed = point;
    }

    /** Waits until somebody has been stopped. */
    void awaitArrival() throws InterruptedException {
        arrived.await();
    }

    /** Lets whoever was stopped go on. */
    void release() {
        armed = null;
        open.countDown();
    }

    private synchronized boolean stopsAt(Point point) {
        if (armed != point) {
            return false;
        }
        armed = null;
        return true;
    }

    private void pass(Point point) {
        if (stopsAt(point)) {
            arrived.countDown();
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public long allocate(int count) {
        pass(Point.ALLOCATE);
        return super.allocate(count);
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        pass(Point.READ);
        super.read(slot, to);
        pass(Point.HAS_READ);
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        pass(Point.WRITE);
        super.write(slot, from);
        pass(Point.HAS_WRITTEN);
    }
}
