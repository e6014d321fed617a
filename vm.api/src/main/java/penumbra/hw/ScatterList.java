// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.Arrays;
import java.util.List;

/**
 * Runs of frames that lie anywhere and are mapped as one stretch ({@code sglist}); the handle of objects of the type
 * SG.
 *
 * <p>Immutable. Finding a frame costs in proportion to the logarithm of the number of runs.
 */
public final class ScatterList {
    private final List<Run> runs;
    /** For each run, how many pages there are up to its end. */
    private final long[] ends;

    /**
     * Adjacent frames.
     *
     * @param firstFrame the number of the first
     * @param frames how many, at least 1
     */
    public record Run(int firstFrame, int frames) {
        /** Checks the numbers. */
        public Run {
            if (firstFrame < 0 || frames < 1) {
                throw new IllegalArgumentException(
                        frames + " frames from " + firstFrame + ": expected at least 1, from 0 or more");
            }
        }
    }

    /** A list of {@code runs} in the order in which they are mapped. */
    public ScatterList(List<Run> runs) {
        this.runs = List.copyOf(runs);
        this.ends = new long[runs.size()];
        long pages = 0;
        for (int i = 0; i < ends.length; i++) {
            pages += this.runs.get(i).frames();
            ends[i] = pages;
        }
    }

    /** The runs in order. */
    public List<Run> runs() {
        return runs;
    }

    /** How many pages there are in all. */
    public long pages() {
        return ends.length == 0 ? 0 : ends[ends.length - 1];
    }

    /** The frame of page {@code pindex}, or {@link Device#NO_FRAME} when there is none. */
    public int frame(long pindex) {
        if (pindex < 0 || pindex >= pages()) {
            return Device.NO_FRAME;
        }
        int found = Arrays.binarySearch(ends, pindex + 1);
        int index = found >= 0 ? found : -found - 1;
        Run run = runs.get(index);
        return run.firstFrame() + run.frames() - (int) (ends[index] - pindex);
    }
}
