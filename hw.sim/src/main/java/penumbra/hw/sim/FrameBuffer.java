// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.sim;

import penumbra.hw.Device;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;

/**
 * A screen of 640 by 480 pixels of 4 bytes each, row by row from the upper left: what programs store is what it shows.
 */
public final class FrameBuffer implements Device {
    public static final int WIDTH = 640;
    public static final int HEIGHT = 480;
    static final int FRAMES = (int) PageSize.index(WIDTH * HEIGHT * Integer.BYTES);

    private final PhysicalMemory memory;
    private final int firstFrame;

    /** A screen over {@link #FRAMES} adjacent frames of {@code memory}. */
    FrameBuffer(PhysicalMemory memory, int firstFrame) {
        this.memory = memory;
        this.firstFrame = firstFrame;
    }

    @Override
    public String name() {
        return "fb";
    }

    @Override
    public long pages() {
        return FRAMES;
    }

    @Override
    public int frame(long pindex, int prot) {
        boolean there = pindex >= 0 && pindex < FRAMES && (prot & Prot.EXECUTE) == 0;
        return there ? firstFrame + (int) pindex : NO_FRAME;
    }

    @Override
    public int memattr() {
        return MemoryAttribute.WRITE_COMBINING;
    }

    /** The pixel in column {@code x} (0 to 639) of row {@code y} (0 to 479). */
    public int pixel(int x, int y) {
        if (x < 0 || x >= WIDTH || y < 0 || y >= HEIGHT) {
            throw new IndexOutOfBoundsException("pixel (" + x + ", " + y + ") of " + WIDTH + " by " + HEIGHT);
        }
        int at = (y * WIDTH + x) * Integer.BYTES;
        return (int) memory.load(firstFrame + (int) PageSize.index(at), at & PageSize.MASK, Integer.BYTES);
    }
}
