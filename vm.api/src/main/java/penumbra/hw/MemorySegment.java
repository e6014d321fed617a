// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/**
 * A run of physically adjacent frames with one use (an entry of FreeBSD's {@code phys_avail}).
 *
 * @param use what it is set aside for
 * @param firstFrame the number of its first frame
 * @param frames how many frames it has, at least 1
 */
public record MemorySegment(SegmentUse use, int firstFrame, int frames) {
    /** The number behind its last frame. */
    public int endFrame() {
        return firstFrame + frames;
    }
}
