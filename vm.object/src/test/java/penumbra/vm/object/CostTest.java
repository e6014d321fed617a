// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.kern.Fidelity;
import penumbra.object.ObjectFlags;
import penumbra.page.Advice;

/**
 * Defect 15: no operation costs in proportion to an object's size, only to what is resident or swapped in it; counted
 * in trie nodes visited. An object of 2^40 pages would not end in a lifetime otherwise.
 */
class CostTest {
    /** Enough for a few pages in a trie of up to 16 levels. */
    private static final long FEW = 500;

    private final Rig rig = Rig.stepped(Fidelity.CORRECTED);

    @AfterEach
    void powerOff() {
        rig.close();
    }

    private void spread(MemoryObject object, long size) {
        rig.fill(object, 0, 10);
        rig.fill(object, size / 2, 11);
        rig.fill(object, size - 1, 12);
    }

    private static long visited(MemoryObject... objects) {
        long sum = 0;
        for (MemoryObject object : objects) {
            sum += object.pages().nodesVisited();
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void collapse(long size) {
        MemoryObject bottom = rig.anonymous(size);
        spread(bottom, size);
        rig.pageOut(bottom, size / 2, 1);
        MemoryObject top = rig.shadowOf(bottom, 0, size);
        long before = visited(bottom, top);

        bottom.deallocate();

        assertThat(top.pages().count()).isEqualTo(3);
        assertThat(visited(bottom, top) - before).isLessThan(FEW);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void bypass(long size) {
        MemoryObject bottom = rig.anonymous(size);
        MemoryObject top = rig.shadowOf(bottom, 0, size);
        spread(bottom, size);
        spread(top, size);
        long before = visited(bottom, top);

        rig.locked(top, top::collapse);

        assertThat(top.backing()).isNull();
        assertThat(visited(bottom, top) - before).isLessThan(FEW);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void split(long size) {
        MemoryObject object = rig.anonymous(2 * size);
        object.reference();
        spread(object, 2 * size);
        rig.pageOut(object, size, 1);
        long before = visited(object);

        object.lock().lock();
        MemoryObject fresh = (MemoryObject) rig.core.split(object, size, size);
        fresh.lock().unlock();

        assertThat(fresh.pages().count()).isEqualTo(2);
        assertThat(visited(object, fresh) - before).isLessThan(FEW);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void pageRemove(long size) {
        MemoryObject object = rig.anonymous(size);
        spread(object, size);
        long before = visited(object);

        rig.locked(object, () -> object.pageRemove(1, size, 0));

        assertThat(object.pages().count()).isEqualTo(1);
        assertThat(visited(object) - before).isLessThan(FEW);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void terminate(long size) {
        MemoryObject object = rig.anonymous(size);
        spread(object, size);
        rig.pageOut(object, 0, 1);
        long before = visited(object);

        object.deallocate();

        assertThat(visited(object) - before).isLessThan(FEW);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void madvise(long size) {
        MemoryObject bottom = rig.anonymous(size);
        MemoryObject top = rig.shadowOf(bottom, 0, size);
        spread(bottom, size);
        rig.fill(top, size / 4, 13);
        long before = visited(bottom, top);

        top.madvise(0, size, Advice.WILLNEED);
        top.madvise(0, size, Advice.DONTNEED);
        bottom.madvise(0, size, Advice.FREE);

        assertThat(rig.lookup(bottom, size - 1).dirty()).isZero();
        assertThat(visited(bottom, top) - before).isLessThan(FEW);
    }

    @Test
    void madviseFreeForgetsSwappedPagesOfAHugeRange() {
        long size = 1L << 40;
        MemoryObject object = rig.anonymous(size);
        spread(object, size);
        rig.pageOut(object, 0, 1);
        rig.pageOut(object, size - 1, 1);
        rig.evict(object, size - 1);

        object.madvise(1, size, Advice.FREE);

        assertThat(rig.swapped(object)).containsExactly(0L);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 10, 1L << 20, 1L << 40})
    void coalesce(long size) {
        MemoryObject object = rig.anonymous(size);
        spread(object, size);
        long before = visited(object);

        assertThat(object.coalesce(0, 1, size, false)).isTrue();

        assertThat(object.pages().count()).isEqualTo(1);
        assertThat(visited(object) - before).isLessThan(FEW);
    }

    @Test
    void pageCleanOfAFewDirtyPages() {
        MemoryObject object = rig.fileObject(rig.file(2000));
        for (int i = 0; i < 1000; i++) {
            rig.fill(object, i, i, false);
        }
        rig.fill(object, 500, 1);
        long before = visited(object);

        object.lock().lock();
        object.pageClean(500, 501, ObjectFlags.CLEAN_SYNC);
        object.lock().unlock();

        assertThat(visited(object) - before).isLessThan(FEW);
    }
}
