// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;

class BuddyAllocatorTest {
    private static final int BASE = Fixture.BASE;

    private PageArray pages;
    private BuddyAllocator buddy;

    private void boot(MemorySegment... segments) {
        pages = new PageArray(null, new TestMemory(segments));
        buddy = new BuddyAllocator(pages);
        for (PhysicalSegment segment : pages.segments()) {
            for (int frame = segment.firstFrame(); frame < segment.endFrame(); frame++) {
                buddy.free(segment.page(frame), 0);
            }
        }
    }

    /** The frames of a list's blocks, relative to the first frame of memory. */
    private List<Integer> blocks(int pool, int order) {
        List<Integer> frames = new ArrayList<>();
        for (VmPage block = buddy.list(BuddyAllocator.ANY_MEMORY, pool, order).first();
                block != null;
                block = block.queueNext) {
            frames.add(block.frame() - BASE);
        }
        return frames;
    }

    private int allocate(int pool, int order) {
        return buddy.allocate(pool, order).frame() - BASE;
    }

    private VmPage page(int frame) {
        return pages.page(BASE + frame);
    }

    @Test
    void bootLeavesTheLargestBlocksInAscendingOrder() {
        boot(TestMemory.general(BASE, 3 * 4096 + 123));
        assertThat(blocks(BuddyAllocator.DEFAULT, 12)).containsExactly(0, 4096, 8192);
        assertThat(blocks(BuddyAllocator.DEFAULT, 6)).containsExactly(12288);
        assertThat(blocks(BuddyAllocator.DEFAULT, 5)).containsExactly(12288 + 64);
        assertThat(blocks(BuddyAllocator.DEFAULT, 4)).containsExactly(12288 + 96);
        assertThat(blocks(BuddyAllocator.DEFAULT, 3)).containsExactly(12288 + 112);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(12288 + 120);
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(12288 + 122);
    }

    @Test
    void takesTheHeadAndPutsRemaindersThere() {
        boot(TestMemory.general(BASE, 16));
        assertThat(allocate(BuddyAllocator.DEFAULT, 0)).isZero();
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(1);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(2);
        assertThat(blocks(BuddyAllocator.DEFAULT, 2)).containsExactly(4);
        assertThat(blocks(BuddyAllocator.DEFAULT, 3)).containsExactly(8);
        for (int frame = 1; frame < 16; frame++) {
            assertThat(allocate(BuddyAllocator.DEFAULT, 0)).isEqualTo(frame);
        }
        assertThat(buddy.allocate(BuddyAllocator.DEFAULT, 0)).isNull();
        buddy.free(page(9), 0);
        buddy.free(page(3), 0);
        buddy.free(page(14), 0);
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(9, 3, 14);
        buddy.free(page(2), 0);
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(9, 14);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(2);
        assertThat(allocate(BuddyAllocator.DEFAULT, 0)).isEqualTo(9);
    }

    @Test
    void anEmptyPoolTakesTheLargestBlockOfAnother() {
        boot(TestMemory.general(BASE, 8));
        assertThat(allocate(BuddyAllocator.CACHE, 0)).isZero();
        assertThat(blocks(BuddyAllocator.CACHE, 0)).containsExactly(1);
        assertThat(blocks(BuddyAllocator.CACHE, 2)).containsExactly(4);
        assertThat(page(7).pool).isEqualTo((byte) BuddyAllocator.CACHE);
        assertThat(allocate(BuddyAllocator.DIRECT, 1)).isEqualTo(4);
        assertThat(blocks(BuddyAllocator.DIRECT, 1)).containsExactly(6);
    }

    @Test
    void joinedBuddiesTakeThePoolOfTheOneThatIsFreed() {
        boot(TestMemory.general(BASE, 2));
        VmPage first = buddy.allocate(BuddyAllocator.DEFAULT, 0);
        VmPage second = buddy.allocate(BuddyAllocator.DEFAULT, 0);
        buddy.free(first, 0);
        buddy.setPool(second, 0, BuddyAllocator.CACHE);
        buddy.free(second, 0);
        assertThat(blocks(BuddyAllocator.CACHE, 1)).containsExactly(0);
        assertThat(first.pool).isEqualTo((byte) BuddyAllocator.CACHE);
    }

    @Test
    void buddiesAreNotJoinedAcrossTheEndOfASegment() {
        boot(TestMemory.general(BASE, 3), TestMemory.general(BASE + 3, 5));
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(2, 3);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(0);
        assertThat(blocks(BuddyAllocator.DEFAULT, 2)).containsExactly(4);
    }

    @Test
    void takesOnePageOutOfABlock() {
        boot(TestMemory.general(BASE, 16));
        assertThat(buddy.unfree(page(6))).isTrue();
        assertThat(buddy.unfree(page(6))).isFalse();
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(7);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(4);
        assertThat(blocks(BuddyAllocator.DEFAULT, 2)).containsExactly(0);
        assertThat(blocks(BuddyAllocator.DEFAULT, 3)).containsExactly(8);
    }

    @Test
    void whatIsLeftOfABlockGoesToTheHead() {
        boot(TestMemory.general(BASE, 16));
        buddy.unfree(page(1));
        buddy.unfree(page(10));
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(11, 0);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(8, 2);
        assertThat(blocks(BuddyAllocator.DEFAULT, 2)).containsExactly(12, 4);
    }

    @Test
    void freesARunInAlignedBlocks() {
        boot(TestMemory.general(BASE, 64));
        buddy.allocate(BuddyAllocator.DEFAULT, 6);
        buddy.freeRun(page(5), 30);
        assertThat(blocks(BuddyAllocator.DEFAULT, 0)).containsExactly(5, 34);
        assertThat(blocks(BuddyAllocator.DEFAULT, 1)).containsExactly(6, 32);
        assertThat(blocks(BuddyAllocator.DEFAULT, 3)).containsExactly(8);
        assertThat(blocks(BuddyAllocator.DEFAULT, 4)).containsExactly(16);
    }

    @Test
    void memoryBelow16MiBIsTakenLast() {
        boot(TestMemory.general(4000, 200));
        for (int i = 0; i < 104; i++) {
            assertThat(buddy.allocate(BuddyAllocator.DEFAULT, 0).frame()).isGreaterThanOrEqualTo(4096);
        }
        assertThat(buddy.allocate(BuddyAllocator.DEFAULT, 0).frame()).isLessThan(4096);
    }

    @Test
    void neverHandsAPageOutTwiceAndJoinsAllInTheEnd() {
        long seed = System.nanoTime();
        System.out.println("buddy seed " + seed);
        Random random = new Random(seed);
        boot(TestMemory.general(BASE + 5, 700), TestMemory.general(BASE + 4096, 1024));
        BitSet used = new BitSet();
        List<int[]> blocks = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            int what = random.nextInt(10);
            if (what < 4) {
                int order = random.nextInt(5);
                VmPage block = buddy.allocate(random.nextInt(3), order);
                if (block != null) {
                    take(used, blocks, block.frame(), order);
                }
            } else if (what < 6) {
                PhysicalSegment segment = pages.segments().get(random.nextInt(2));
                int frame = segment.firstFrame() + random.nextInt(segment.endFrame() - segment.firstFrame());
                boolean free = buddy.unfree(pages.page(frame));
                assertThat(free).isNotEqualTo(used.get(frame));
                if (free) {
                    take(used, blocks, frame, 0);
                }
            } else if (!blocks.isEmpty()) {
                int[] block = blocks.remove(random.nextInt(blocks.size()));
                buddy.setPool(pages.page(block[0]), block[1], random.nextInt(3));
                buddy.free(pages.page(block[0]), block[1]);
                used.clear(block[0], block[0] + (1 << block[1]));
            }
            if (step % 500 == 0) {
                assertThat(freePages()).isEqualTo(1724 - used.cardinality());
            }
        }
        blocks.forEach(block -> buddy.free(pages.page(block[0]), block[1]));
        assertThat(freePages()).isEqualTo(1724);
        assertThat(pages.page(BASE + 4096).order).isEqualTo((byte) 10);
        assertThat(pages.page(BASE + 512).order).isEqualTo((byte) 7);
    }

    private static void take(BitSet used, List<int[]> blocks, int frame, int order) {
        assertThat(used.get(frame, frame + (1 << order)).isEmpty()).isTrue();
        used.set(frame, frame + (1 << order));
        blocks.add(new int[] {frame, order});
    }

    /** How many pages the lists hold, each block checked. */
    private int freePages() {
        int free = 0;
        for (int pool = 0; pool < BuddyAllocator.POOLS; pool++) {
            for (int order = 0; order < BuddyAllocator.ORDERS; order++) {
                for (VmPage block = buddy.list(BuddyAllocator.ANY_MEMORY, pool, order)
                                .first();
                        block != null;
                        block = block.queueNext) {
                    assertThat(block.order).isEqualTo((byte) order);
                    assertThat(block.pool).isEqualTo((byte) pool);
                    assertThat(block.frame() & (1 << order) - 1).isZero();
                    free += 1 << order;
                }
            }
        }
        return free;
    }
}
