// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
    private static final int MIB = 1 << 20;

    private final BufferPool pool = new BufferPool();

    @Test
    void buffersStartAtAPage() {
        ByteBuffer buffer = pool.take(3 * MIB);
        assertThat(buffer.alignmentOffset(0, 4096)).isZero();
        assertThat(buffer.capacity()).isGreaterThanOrEqualTo(3 * MIB);
    }

    @Test
    void whatIsGivenIsTakenAgainAsZeroes() {
        ByteBuffer buffer = pool.take(MIB);
        for (int at = 0; at < MIB; at++) {
            buffer.put(at, (byte) 1);
        }
        pool.give(buffer);
        ByteBuffer again = pool.take(MIB - 4096);
        assertThat(again).isSameAs(buffer);
        for (int at = 0; at < MIB - 4096; at++) {
            assertThat(again.get(at)).isZero();
        }
        assertThat(pool.take(MIB)).isNotSameAs(buffer);
    }

    @Test
    void theBestFitIsTaken() {
        ByteBuffer small = pool.take(MIB);
        ByteBuffer large = pool.take(2 * MIB);
        pool.give(large);
        pool.give(small);
        assertThat(pool.take(MIB)).isSameAs(small);
        assertThat(pool.take(MIB / 4)).isNotSameAs(large);
        assertThat(pool.take(MIB + 4096)).isSameAs(large);
    }
}
