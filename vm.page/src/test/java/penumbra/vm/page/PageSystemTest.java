// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import penumbra.hw.MemorySegment;
import penumbra.hw.SegmentUse;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.page.Alloc;
import penumbra.page.Page;

class PageSystemTest {
    @Test
    void onlyGeneralMemoryHasPages() {
        Fixture f = new Fixture(
                Execution.STEPPED,
                Fidelity.ORIGINAL,
                TestMemory.general(4000, 200),
                new MemorySegment(SegmentUse.TABLES, 4200, 10),
                TestMemory.general(5000, 7),
                new MemorySegment(SegmentUse.COMPRESSED, 6000, 10));
        assertThat(f.pages.counts().free()).isEqualTo(207);
        assertThat(f.pages.limits().pageCount()).isEqualTo(207);
        assertThat(f.pmap.pages().page(4000)).isSameAs(f.pages.pageOfFrame(4000));
        assertThat(f.pages.pageOfFrame(4199).frame()).isEqualTo(4199);
        assertThat(f.pages.pageOfFrame(5006).frame()).isEqualTo(5006);
        for (int frame : new int[] {0, 3999, 4200, 4209, 4999, 5007, 6000, -1}) {
            assertThat(f.pages.pageOfFrame(frame)).isNull();
        }
        f.check();
        f.pages.close();
        assertThat(f.pmap.pages()).isNull();
    }

    @Test
    void countersHaveFreeBsdsNames() {
        Fixture f = Fixture.stepped(123);
        TestOwner owner = f.lockedOwner("owner");
        owner.backed = null;
        f.valid(owner, 0).activate();
        f.valid(owner, 1).deactivate();
        f.valid(owner, 2).wire();
        f.pages.free(f.valid(owner, 3));
        f.pages.cache(f.valid(owner, 4));
        f.pages.alloc(owner, 4, Alloc.NOBUSY);
        f.pages.cache(owner.page(4));
        Map<String, Long> counters = new LinkedHashMap<>();
        f.pages.forEach(counters::put);
        assertThat(counters)
                .containsEntry("vm.stats.vm.v_page_size", 4096L)
                .containsEntry("vm.stats.vm.v_page_count", 123L)
                .containsEntry("vm.stats.vm.v_free_reserved", 42L)
                .containsEntry("vm.stats.vm.v_free_severe", 44L)
                .containsEntry("vm.stats.vm.v_free_min", 46L)
                .containsEntry("vm.stats.vm.v_free_target", 58L)
                .containsEntry("vm.stats.vm.v_inactive_target", 41L)
                .containsEntry("vm.stats.vm.v_interrupt_free_min", 2L)
                .containsEntry("vm.stats.vm.v_pageout_free_min", 34L)
                .containsEntry("vm.stats.vm.v_free_count", 119L)
                .containsEntry("vm.stats.vm.v_cache_count", 1L)
                .containsEntry("vm.stats.vm.v_active_count", 1L)
                .containsEntry("vm.stats.vm.v_inactive_count", 1L)
                .containsEntry("vm.stats.vm.v_wire_count", 1L)
                .containsEntry("vm.stats.vm.v_reactivated", 1L)
                .containsEntry("vm.stats.vm.v_tcached", 2L)
                .containsEntry("vm.stats.vm.v_tfree", 1L)
                .containsEntry("vm.stats.vm.v_pfree", 0L)
                .containsEntry("vm.reserv.broken", 0L)
                .containsEntry("vm.reserv.freed", 0L)
                .containsEntry("vm.reserv.reclaimed", 0L);
        f.close();
    }

    /** What an operation costs depends on what it touches, not on how large or full the owner is. */
    @Test
    void operationsVisitFewNodesHoweverManyPagesThereAre() {
        Fixture f = Fixture.stepped(21_000);
        TestOwner owner = f.lockedOwner("owner");
        TestOwner other = f.lockedOwner("other");
        int pages = 20_000;
        for (int i = 0; i < pages; i++) {
            f.valid(owner, i);
        }
        // Four digits cover 65,536 indexes: four nodes and a leaf on each path.
        int path = 5;
        assertThat(owner.pages.nodesVisited()).isLessThanOrEqualTo((long) path * pages);
        assertThat(visits(owner, () -> owner.pages.lookup(12_345))).isEqualTo(path);
        assertThat(visits(owner, () -> owner.pages.findLeast(12_345))).isEqualTo(path);
        assertThat(visits(owner, () -> f.pages.free(owner.page(777)))).isEqualTo(2 * path);
        assertThat(visits(owner, () -> owner.pages.findLeast(777))).isLessThanOrEqualTo(path + 1);
        assertThat(visits(owner, () -> f.valid(owner, 777))).isLessThanOrEqualTo(2 * path + 1);
        assertThat(visits(owner, () -> f.pages.rename(owner.page(4_000), other, 1L << 50)))
                .isEqualTo(2 * path);
        assertThat(other.pages.nodesVisited()).isLessThanOrEqualTo(1);
        assertThat(visits(owner, () -> walk(owner, 1_000))).isZero();
        assertThat(visits(owner, () -> f.pages.freeAll(owner))).isZero();
        assertThat(f.pages.counts().freed()).isEqualTo(pages - 1);
        f.close();
    }

    private static void walk(TestOwner owner, int pages) {
        Page page = owner.pages.first();
        for (int i = 0; i < pages; i++) {
            page = owner.pages.after(page);
        }
    }

    private static long visits(TestOwner owner, Runnable operation) {
        long before = owner.pages.nodesVisited();
        operation.run();
        return owner.pages.nodesVisited() - before;
    }

    /** A header of 12 bytes, references of 4, and no padding that a smaller field could fill. */
    @Test
    void aPageTakes72Bytes() {
        int bytes = 12;
        for (Class<?> part = VmPage.class; part != Object.class; part = part.getSuperclass()) {
            for (Field field : part.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    Class<?> type = field.getType();
                    bytes += type == long.class ? 8 : type == short.class ? 2 : type == byte.class ? 1 : 4;
                }
            }
        }
        assertThat(bytes + 7 & -8).isEqualTo(72);
    }
}
