// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;

/**
 * Page-aligned buffers outside the heap that machines have given back, for the next machine to boot with.
 *
 * <p>The collector alone can release a direct buffer, at a time of its choosing; without the pool machines that are
 * booted in quick succession would pile up. Thread-safe.
 */
final class BufferPool {
    /** The one pool: what it saves belongs to the whole JVM. */
    static final BufferPool SHARED = new BufferPool();

    /** A buffer that is larger than this many times what is wanted is left for somebody who needs it. */
    private static final int LARGEST_FIT = 2;

    private final List<ByteBuffer> free = new ArrayList<>();

    BufferPool() {}

    /**
     * A buffer of zeroes with at least {@code bytes} bytes and a page-aligned start; gives up with OutOfMemoryError.
     */
    ByteBuffer take(int bytes) {
        @Nullable ByteBuffer pooled = bestFit(bytes);
        if (pooled != null) {
            byte[] zeroes = new byte[PageSize.BYTES];
            for (int at = 0; at < bytes; at += PageSize.BYTES) {
                pooled.put(at, zeroes, 0, Math.min(PageSize.BYTES, bytes - at));
            }
            return pooled;
        }
        try {
            return allocate(bytes);
        } catch (OutOfMemoryError full) {
            forget();
            return allocate(bytes);
        }
    }

    /** Takes a buffer back; nobody may use it any more. */
    synchronized void give(ByteBuffer buffer) {
        free.add(buffer);
    }

    private synchronized @Nullable ByteBuffer bestFit(int bytes) {
        @Nullable ByteBuffer best = null;
        for (ByteBuffer buffer : free) {
            boolean fits = buffer.capacity() >= bytes && buffer.capacity() / LARGEST_FIT <= bytes;
            if (fits && (best == null || buffer.capacity() < best.capacity())) {
                best = buffer;
            }
        }
        ByteBuffer found = best;
        free.removeIf(buffer -> buffer == found);
        return best;
    }

    private synchronized void forget() {
        free.clear();
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(bytes + PageSize.BYTES).alignedSlice(PageSize.BYTES);
    }
}
