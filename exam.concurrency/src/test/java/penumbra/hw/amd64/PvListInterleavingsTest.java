// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.MappingCounts;
import penumbra.exam.concurrency.MappingInterleavings;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;

/** The lists of the mappings of two frames that share a lock and a pool. */
public class PvListInterleavingsTest extends MappingInterleavings {
    private final PvLists lists = new PvLists(List.of(new MemorySegment(SegmentUse.GENERAL, 0, FRAMES)));

    @Override
    protected KernelLock lockOf(int frame) {
        return lists.lockOf(frame);
    }

    @Override
    protected void add(int who, int frame, int number) {
        lists.add(frame, PvLists.key(who, number));
    }

    @Override
    protected void remove(int who, int frame, int number) {
        lists.remove(frame, PvLists.key(who, number));
    }

    @Override
    protected int found(int frame) {
        int found = lists.head(frame) == PvLists.NONE ? 0 : 1;
        for (int place = lists.rest(frame); place != 0; place = lists.after(frame, place)) {
            found++;
        }
        return found;
    }

    @Test
    void everyMappingIsInItsList() {
        Operations.explore(PvListInterleavingsTest.class, MappingCounts.class);
    }
}
