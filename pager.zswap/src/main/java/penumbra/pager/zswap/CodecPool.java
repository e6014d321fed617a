// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/** The codecs of a store: as many as there were ever transfers at once. Thread-safe. */
final class CodecPool implements AutoCloseable {
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "codecs");
    private final ArrayDeque<PageCodec> idle = new ArrayDeque<>();
    private final AtomicInteger existing = new AtomicInteger();
    private final int level;
    private boolean closed;

    CodecPool(int level) {
        this.level = level;
    }

    /**
     * Takes a codec.
     *
     * @throws IOException when the pool is closed
     */
    PageCodec take() throws IOException {
        lock.lock();
        boolean open = !closed;
        @Nullable PageCodec codec = idle.pollFirst();
        lock.unlock();
        if (!open) {
            throw new IOException("the compressed store is closed");
        }
        if (codec == null) {
            codec = new PageCodec(level);
            existing.incrementAndGet();
        }
        return codec;
    }

    /** Gives a codec back. */
    void give(PageCodec codec) {
        lock.lock();
        boolean kept = !closed;
        if (kept) {
            idle.addFirst(codec);
        }
        lock.unlock();
        if (!kept) {
            release(codec);
        }
    }

    private void release(PageCodec codec) {
        codec.close();
        existing.decrementAndGet();
    }

    /** How many codecs there are: each has memory outside the heap that nobody else gives back. */
    int existing() {
        return existing.get();
    }

    /** Releases the codecs, those in use when they are given back. */
    @Override
    public void close() {
        lock.lock();
        closed = true;
        ArrayDeque<PageCodec> left = new ArrayDeque<>(idle);
        idle.clear();
        lock.unlock();
        left.forEach(this::release);
    }
}
