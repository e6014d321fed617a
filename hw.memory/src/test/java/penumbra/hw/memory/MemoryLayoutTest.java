// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;

class MemoryLayoutTest {
    private static final int GIB = 1 << 18;

    @Test
    void aSmallMachineHasExactlyItsFrames() {
        MemoryLayout layout = MemoryLayout.ofFrames(123);
        assertThat(FrameMemory.segmentsOf(layout))
                .containsExactly(
                        new MemorySegment(SegmentUse.GENERAL, GIB, 123),
                        new MemorySegment(SegmentUse.DEVICE, 3 * GIB, 512),
                        new MemorySegment(SegmentUse.TABLES, 4 * GIB, 1024 + 2));
    }

    @Test
    void aLargeMachineHasAHole() {
        MemoryLayout layout = new MemoryLayout(5L << 30, 4096, 3L << 30);
        assertThat(FrameMemory.segmentsOf(layout))
                .containsExactly(
                        new MemorySegment(SegmentUse.GENERAL, GIB, 2 * GIB),
                        new MemorySegment(SegmentUse.DEVICE, 3 * GIB, 512),
                        new MemorySegment(SegmentUse.GENERAL, 4 * GIB, 3 * GIB),
                        new MemorySegment(SegmentUse.TABLES, 7 * GIB, 1),
                        new MemorySegment(SegmentUse.COMPRESSED, 8 * GIB, 3 * GIB));
    }

    @Test
    void theLargestMachineIsNumberedWithoutOverflow() {
        long most = 1L << 42;
        List<MemorySegment> segments = FrameMemory.segmentsOf(new MemoryLayout(most, 4096, 4096));
        int before = 0;
        long general = 0;
        for (MemorySegment segment : segments) {
            assertThat(segment.firstFrame()).isGreaterThanOrEqualTo(before);
            assertThat(segment.firstFrame() % GIB).isZero();
            before = segment.endFrame();
            general += segment.use() == SegmentUse.GENERAL ? segment.frames() : 0;
        }
        assertThat(general << 12).isEqualTo(most);
    }

    @Test
    void saysWhatIsWrongWithASize() {
        assertThatThrownBy(() -> MemoryLayout.ofGeneral(5000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("general memory of 5000 bytes: expected a multiple of 4096 from 4096 to 4398046511104");
        assertThatThrownBy(() -> MemoryLayout.ofGeneral(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new MemoryLayout(4096, 0, 0)).hasMessageStartingWith("table memory of 0 bytes");
        assertThatThrownBy(() -> new MemoryLayout(4096, 4096, -4096)).hasMessageStartingWith("compressed memory");
        assertThatThrownBy(() -> new MemoryLayout((1L << 42) + 4096, 4096, 0)).hasMessageStartingWith("general");
    }
}
