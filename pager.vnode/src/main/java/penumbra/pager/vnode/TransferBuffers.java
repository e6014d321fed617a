// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;

/** Page-aligned buffers outside the heap, through which one transfer reaches frames that lie apart. Thread-safe. */
final class TransferBuffers {
    /** Pages in one transfer: FreeBSD's {@code MAXBSIZE}, 64 KiB. */
    static final int PAGES = 16;
    /** Bytes in one transfer. */
    static final int BYTES = PAGES << PageSize.SHIFT;

    /** More transfers than this at a time cost an allocation each. */
    private static final int KEPT = 16;

    private final ArrayBlockingQueue<ByteBuffer> free = new ArrayBlockingQueue<>(KEPT);

    /** A buffer of {@link #BYTES} bytes, with anything in it. */
    ByteBuffer take() {
        @Nullable ByteBuffer kept = free.poll();
        return kept != null
                ? kept
                : ByteBuffer.allocateDirect(BYTES + PageSize.BYTES)
                        .alignedSlice(PageSize.BYTES)
                        .slice(0, BYTES);
    }

    /** Takes a buffer back. */
    void give(ByteBuffer buffer) {
        // A full queue drops it: the collector's then.
        boolean kept = free.offer(buffer);
        assert kept || free.remainingCapacity() == 0;
    }
}
