// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

/** How often each thread has mapped each frame: a model, and each thread's own book. */
public class MappingCounts {
    /** More than the number of any thread. */
    public static final int THREADS = 4;
    /** More than any thread maps a frame. */
    public static final int MOST = 16;

    private static final int FRAMES = 2;

    private final int[][] counts = new int[THREADS][FRAMES];

    /** Maps a frame once more; returns how often the thread has mapped it now. */
    public int map(int who, int frame) {
        return ++counts[who][frame];
    }

    /** Takes the thread's last mapping of a frame away; returns how many it had, 0 when it had none. */
    public int unmap(int who, int frame) {
        return counts[who][frame] == 0 ? 0 : counts[who][frame]--;
    }

    /** How many mappings a frame has. */
    public int count(int frame) {
        int all = 0;
        for (int[] some : counts) {
            all += some[frame];
        }
        return all;
    }
}
