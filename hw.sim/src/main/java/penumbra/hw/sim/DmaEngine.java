// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import penumbra.hw.Device;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.ScatterList;

/**
 * An engine that transfers bytes between the outside and memory of its own without a CPU. The memory is scattered, as
 * what a driver finds for it is: runs of one to four frames, the higher ones first, with frames of nobody in between.
 */
public final class DmaEngine implements Device {
    /** Four runs of each length. */
    private static final int RUNS = 16;

    private static final int LONGEST_RUN = 4;
    /** Each run, and the frame behind it. */
    static final int FRAMES = RUNS / LONGEST_RUN * (2 + 3 + 4 + 5);

    private final PhysicalMemory memory;
    private final ScatterList list;

    /** An engine over some of {@link #FRAMES} frames of {@code memory}. */
    DmaEngine(PhysicalMemory memory, int firstFrame) {
        this.memory = memory;
        List<ScatterList.Run> runs = new ArrayList<>();
        int end = firstFrame + FRAMES;
        for (int i = 0; i < RUNS; i++) {
            int frames = 1 + i % LONGEST_RUN;
            end -= frames + 1;
            runs.add(new ScatterList.Run(end, frames));
        }
        this.list = new ScatterList(runs);
    }

    @Override
    public String name() {
        return "dma";
    }

    @Override
    public long pages() {
        return list.pages();
    }

    @Override
    public int frame(long pindex, int prot) {
        return list.frame(pindex);
    }

    @Override
    public ScatterList transferMemory() {
        return list;
    }

    /** Writes the bytes that {@code from} has left to memory, from byte {@code offset} of the list on. */
    public void receive(long offset, ByteBuffer from) {
        long at = offset;
        while (from.hasRemaining()) {
            int length = pieceAt(at, from);
            memory.write(frameAt(at), (int) at & PageSize.MASK, from, from.position(), length);
            from.position(from.position() + length);
            at += length;
        }
    }

    /** Fills {@code to} from memory, from byte {@code offset} of the list on. */
    public void send(long offset, ByteBuffer to) {
        long at = offset;
        while (to.hasRemaining()) {
            int length = pieceAt(at, to);
            memory.read(frameAt(at), (int) at & PageSize.MASK, to, to.position(), length);
            to.position(to.position() + length);
            at += length;
        }
    }

    private static int pieceAt(long offset, ByteBuffer buffer) {
        return Math.min(buffer.remaining(), PageSize.BYTES - ((int) offset & PageSize.MASK));
    }

    private int frameAt(long offset) {
        int frame = list.frame(PageSize.index(offset));
        if (frame == NO_FRAME) {
            throw new IndexOutOfBoundsException("byte " + offset + " of " + PageSize.bytes(list.pages()));
        }
        return frame;
    }
}
