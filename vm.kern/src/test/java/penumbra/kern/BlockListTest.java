// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockListTest {
    /** Bit by bit: the first run in address order that does not cross a multiple of 32. */
    private static int naive(BitSet free, int blocks, int count) {
        for (int at = 0; at + count <= blocks; at++) {
            if (at / 32 == (at + count - 1) / 32 && free.nextClearBit(at) >= at + count) {
                return at;
            }
        }
        return -1;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 512, 513, 1000, 8192, 8193, 20_000})
    void agreesWithABitmap(int blocks) {
        long seed = System.nanoTime();
        System.out.println("BlockList of " + blocks + ": seed " + seed);
        Random random = new Random(seed);
        BlockList list = new BlockList(blocks);
        BitSet free = new BitSet(blocks);
        assertThat(list.allocate(1)).isEqualTo(BlockList.NONE);
        list.free(0, blocks);
        free.set(0, blocks);
        for (int i = 0; i < 4_000; i++) {
            int what = random.nextInt(10);
            if (what < 5) {
                int count = 1 + random.nextInt(32);
                int expected = naive(free, blocks, count);
                assertThat(list.allocate(count))
                        .as("step %d, %d blocks", i, count)
                        .isEqualTo(expected);
                if (expected >= 0) {
                    free.clear(expected, expected + count);
                }
            } else if (what < 9) {
                int at = free.nextClearBit(random.nextInt(blocks));
                int count = Math.min(1 + random.nextInt(40), blocks - at);
                int used = free.nextSetBit(at);
                count = used < 0 ? count : Math.min(count, used - at);
                if (count > 0) {
                    list.free(at, count);
                    free.set(at, at + count);
                }
            } else {
                int at = random.nextInt(blocks);
                int count = Math.min(1 + random.nextInt(50), blocks - at);
                assertThat(list.fill(at, count))
                        .isEqualTo(free.get(at, at + count).cardinality());
                free.clear(at, at + count);
            }
            assertThat(list.free()).isEqualTo(free.cardinality());
        }
        for (int i = 0; i < blocks; i++) {
            assertThat(list.isFree(i)).isEqualTo(free.get(i));
        }
    }

    @Test
    void fillsInOrderOfAddresses() {
        BlockList list = new BlockList(4096);
        list.free(2, 4094);
        assertThat(list.allocate(16)).isEqualTo(2);
        assertThat(list.allocate(16)).as("14 are left in the first leaf").isEqualTo(32);
        assertThat(list.allocate(8)).isEqualTo(18);
        assertThat(list.allocate(32)).isEqualTo(64);
        list.free(20, 2);
        assertThat(list.allocate(1)).isEqualTo(20);
    }

    @Test
    void holdsAWholeDevice() {
        BlockList list = new BlockList(1 << 22);
        list.free(2, (1 << 22) - 2);
        long runs = 0;
        while (list.allocate(16) != BlockList.NONE) {
            runs++;
        }
        assertThat(runs).isEqualTo((1 << 22) / 16 - 1);
        assertThat(list.free()).isEqualTo(14);
    }

    @Test
    void refusesNonsense() {
        BlockList list = new BlockList(100);
        assertThatThrownBy(() -> list.allocate(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> list.allocate(33)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> list.free(99, 2)).isInstanceOf(IllegalArgumentException.class);
        list.free(5, 10);
        assertThatThrownBy(() -> list.free(14, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("14");
    }
}
