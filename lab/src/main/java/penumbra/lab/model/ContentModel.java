// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.model;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What every byte of every process must be. The model is told of mappings and stores, and asked about loads; it shares
 * no code with the system that it checks. Unstored memory costs nothing, a page of a file is held once, a stored page
 * once per process, or once for several as long as they have it from the same fork.
 */
public final class ContentModel {
    /** The size of a page, that of amd64. */
    public static final int PAGE_SIZE = 4096;

    static final int PAGE_SHIFT = 12;

    /** What a page costs, in bytes, its headers and padding included. */
    static final int PAGE_COST = PAGE_SIZE + 48;

    private final AtomicLong held = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();
    private final AtomicLong touched = new AtomicLong();

    /**
     * A process with empty memory.
     *
     * @param number what distinguishes its stores from those of others
     */
    public ProcessModel process(int number) {
        return new ProcessModel(this, number);
    }

    /** A file with these contents; make one per file, however often it is mapped. */
    public FileContent file(FileBytes bytes) {
        return new FileContent(this, bytes);
    }

    /** Shared memory without a file: zero until something is stored. */
    public FileContent sharedMemory() {
        return new FileContent(this, (offset, into, at, length) -> Arrays.fill(into, at, at + length, (byte) 0));
    }

    /** What the model takes now, in bytes. */
    public long bytesHeld() {
        return held.get();
    }

    /** The most that the model has taken, in bytes. */
    public long peakBytesHeld() {
        return peak.get();
    }

    /**
     * How many bytes lie in the distinct pages that processes have loaded from or stored to, each process by itself.
     */
    public long bytesTouched() {
        return touched.get() * PAGE_SIZE;
    }

    void held(long more) {
        long now = held.addAndGet(more);
        if (now > peak.get()) {
            peak.accumulateAndGet(now, Math::max);
        }
    }

    void touchedPage() {
        touched.incrementAndGet();
    }
}
