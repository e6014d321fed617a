// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

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

/** The chains of the mappings of two frames through the entries of each thread's own table. */
@Param(name = "who", gen = ThreadIdGen.class)
@Param(name = "frame", gen = IntGen.class, conf = "0:1")
public class ChainInterleavingsTest {
    private static final int FRAMES = 2;

    private final Chains chains =
            new Chains(List.of(new MemorySegment(SegmentUse.GENERAL, 0, FRAMES)), MappingCounts.THREADS);
    private final MappingCounts mine = new MappingCounts();

    private static int place(int who, int frame, int number) {
        return Chains.place(who, frame * MappingCounts.MOST + number);
    }

    @Operation
    public int map(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.map(who, frame);
        chains.prepare(who);
        KernelLock lock = chains.lockOf(frame);
        lock.lock();
        chains.add(frame, place(who, frame, number));
        lock.unlock();
        return number;
    }

    @Operation
    public int unmap(@Param(name = "who") int who, @Param(name = "frame") int frame) {
        int number = mine.unmap(who, frame);
        if (number != 0) {
            KernelLock lock = chains.lockOf(frame);
            lock.lock();
            chains.remove(frame, place(who, frame, number));
            lock.unlock();
        }
        return number;
    }

    @Operation
    public int count(@Param(name = "frame") int frame) {
        KernelLock lock = chains.lockOf(frame);
        lock.lock();
        int found = 0;
        for (int place = chains.head(frame); place != Chains.NONE; place = chains.after(place)) {
            found++;
        }
        lock.unlock();
        return found;
    }

    @Test
    void everyMappingIsInItsChain() {
        Operations.explore(ChainInterleavingsTest.class, MappingCounts.class);
    }
}
