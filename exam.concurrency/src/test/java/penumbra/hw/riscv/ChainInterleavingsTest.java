// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.MappingCounts;
import penumbra.exam.concurrency.MappingInterleavings;
import penumbra.exam.concurrency.Operations;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelLock;

/** The chains of the mappings of two frames through the entries of each thread's own table. */
public class ChainInterleavingsTest extends MappingInterleavings {
    private final Chains chains =
            new Chains(List.of(new MemorySegment(SegmentUse.GENERAL, 0, FRAMES)), MappingCounts.THREADS);

    private static int place(int who, int frame, int number) {
        return Chains.place(who, frame * MappingCounts.MOST + number);
    }

    @Override
    protected KernelLock lockOf(int frame) {
        return chains.lockOf(frame);
    }

    @Override
    protected void add(int who, int frame, int number) {
        chains.prepare(who);
        chains.add(frame, place(who, frame, number));
    }

    @Override
    protected void remove(int who, int frame, int number) {
        chains.remove(frame, place(who, frame, number));
    }

    @Override
    protected int found(int frame) {
        int found = 0;
        for (int place = chains.head(frame); place != Chains.NONE; place = chains.after(place)) {
            found++;
        }
        return found;
    }

    @Test
    void everyMappingIsInItsChain() {
        Operations.explore(ChainInterleavingsTest.class, MappingCounts.class);
    }
}
