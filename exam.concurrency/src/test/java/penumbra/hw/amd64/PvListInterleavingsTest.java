// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.MappingCounts;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;

/** The lists of the mappings of two frames that share a lock and a pool, and the waiting for a late shootdown. */
@Param(name = "who", gen = ThreadIdGen.class)
@Param(name = "frame", gen = IntGen.class, conf = "0:1")
public class PvListInterleavingsTest {
    private static final int FRAMES = 2;

    private final PvLists lists = new PvLists(List.of(new MemorySegment(SegmentUse.GENERAL, 0, FRAMES)));
    private final MappingCounts mine = new MappingCounts();

    @Operation
    public int map(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.map(who, frame);
        KernelLock lock = lists.lockOf(frame);
        lock.lock();
        lists.add(frame, PvLists.key(who, number));
        lock.unlock();
        return number;
    }

    @Operation
    public int unmap(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.unmap(who, frame);
        if (number != 0) {
            KernelLock lock = lists.lockOf(frame);
            lock.lock();
            lists.remove(frame, PvLists.key(who, number));
            lock.unlock();
        }
        return number;
    }

    @Operation
    public int count(@Param(name = "frame") int frame) {
        KernelLock lock = lists.lockOf(frame);
        lock.lock();
        int found = lists.head(frame) == PvLists.NONE ? 0 : 1;
        for (int place = lists.rest(frame); place != 0; place = lists.after(frame, place)) {
            found++;
        }
        lock.unlock();
        return found;
    }

    @Test
    void everyMappingIsInItsList() {
        Operations.explore(PvListInterleavingsTest.class, MappingCounts.class);
    }
}
