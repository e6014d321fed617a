// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.KernelPanic;

class PvListsTest {
    private static final int FIRST = 1000;
    private static final int FRAMES = 600;

    private final PvLists pv = new PvLists(List.of(
            new MemorySegment(SegmentUse.GENERAL, FIRST, 10),
            new MemorySegment(SegmentUse.GENERAL, FIRST + FRAMES - 10, 10),
            new MemorySegment(SegmentUse.DEVICE, 3000, 20),
            new MemorySegment(SegmentUse.TABLES, 5000, 10)));

    private List<Long> list(int frame) {
        List<Long> keys = new ArrayList<>();
        if (pv.head(frame) != PvLists.NONE) {
            keys.add(pv.head(frame));
        }
        for (int place = pv.rest(frame); place != 0; place = pv.after(frame, place)) {
            keys.add(pv.keyAt(frame, place));
        }
        return keys;
    }

    @Test
    void keysHoldTheLargestSpaceAndPage() {
        long key = PvLists.key(65535, (1L << 36) - 1);
        assertThat(PvLists.asid(key)).isEqualTo(65535);
        assertThat(PvLists.page(key)).isEqualTo((1L << 36) - 1);
        assertThat(PvLists.key(0, 0)).isNotEqualTo(PvLists.NONE);
    }

    @Test
    void deviceMemoryHasListsOfItsOwn() {
        pv.add(FIRST, PvLists.key(1, 5));
        pv.add(FIRST + FRAMES - 1, PvLists.key(1, 6));
        pv.add(3000, PvLists.key(2, 7));
        pv.add(3019, PvLists.key(2, 8));
        pv.add(3019, PvLists.key(3, 8));
        assertThat(list(FIRST)).containsExactly(PvLists.key(1, 5));
        assertThat(list(FIRST + FRAMES - 1)).containsExactly(PvLists.key(1, 6));
        assertThat(list(3000)).containsExactly(PvLists.key(2, 7));
        assertThat(list(3019)).containsExactly(PvLists.key(2, 8), PvLists.key(3, 8));
        pv.remove(3019, PvLists.key(2, 8));
        assertThat(list(3019)).containsExactly(PvLists.key(3, 8));
    }

    @Test
    void whatIsNotThereCannotBeRemoved() {
        pv.add(FIRST, PvLists.key(1, 5));
        assertThatThrownBy(() -> pv.remove(FIRST, PvLists.key(1, 6))).isInstanceOf(KernelPanic.class);
        assertThatThrownBy(() -> pv.remove(FIRST + 1, PvLists.key(1, 5))).isInstanceOf(KernelPanic.class);
    }

    @RepeatedTest(3)
    void behavesLikeSets() {
        long seed = System.nanoTime();
        System.out.println("PvListsTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<Set<Long>> model = new ArrayList<>();
        for (int i = 0; i < FRAMES; i++) {
            model.add(new HashSet<>());
        }
        int most = 0;
        for (int step = 0; step < 20_000; step++) {
            int index = random.nextBoolean() ? random.nextInt(10) : FRAMES - 1 - random.nextInt(10);
            long key = PvLists.key(random.nextInt(8), random.nextInt(8));
            if (model.get(index).remove(key)) {
                pv.remove(FIRST + index, key);
            } else {
                model.get(index).add(key);
                pv.add(FIRST + index, key);
            }
            List<Long> keys = list(FIRST + index);
            assertThat(new HashSet<>(keys)).as("seed %d step %d", seed, step).isEqualTo(model.get(index));
            assertThat(keys).hasSameSizeAs(model.get(index));
            most = Math.max(most, keys.size());
        }
        assertThat(most).isGreaterThan(20);
        for (int index = 0; index < FRAMES; index++) {
            assertThat(new HashSet<>(list(FIRST + index))).as("seed %d", seed).isEqualTo(model.get(index));
        }
    }
}
