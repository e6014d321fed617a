// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import penumbra.hw.HeapMemory;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuReports;
import penumbra.hw.PageSize;
import penumbra.hw.PhysicalMemory;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.TlbModel;

/** When 512 mappings become one, what makes them 512 again, and what a range costs. */
class SuperpageTest implements MmuReports {
    private static final int REGION = Pte.LARGE_PAGES;
    private static final int REGIONS = 8;
    private static final int TABLES = 64;
    private static final int USED = MmuMapping.MANAGED | MmuMapping.ACCESSED;
    private static final int WRITTEN = USED | MmuMapping.MODIFIED;

    private final HeapMemory frames = new HeapMemory((REGIONS + 1) * REGION, TABLES);
    private final AtomicLong accesses = new AtomicLong();
    private final Mappings mappings = new Mappings(new TlbModel(), counting(frames), this);
    private final Amd64Space space = mappings.create(1);
    private final Set<Integer> modified = new HashSet<>();
    private final Set<Integer> unmapped = new HashSet<>();
    private boolean optimised = true;

    /** Memory that counts how often it is used. */
    private PhysicalMemory counting(PhysicalMemory memory) {
        return (PhysicalMemory) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {PhysicalMemory.class}, (proxy, method, arguments) -> {
                    accesses.incrementAndGet();
                    return method.invoke(memory, arguments);
                });
    }

    @Override
    public void modified(int frame) {
        modified.add(frame);
    }

    @Override
    public void referenced(int frame) {
        assertThat(frame).isGreaterThanOrEqualTo(REGION);
    }

    @Override
    public void unmapped(int frame) {
        unmapped.add(frame);
    }

    @Override
    public boolean optimised() {
        return optimised;
    }

    /** Page and frame numbers are the same in what follows. */
    private void enter(long from, long to, int prot, int attributes) {
        for (long page = from; page < to; page++) {
            assertThat(space.enter(page, (int) page, prot, attributes)).isTrue();
        }
    }

    private boolean isLarge(long page) {
        return isLarge(space, page);
    }

    private static boolean isLarge(Amd64Space of, long page) {
        return of.isSuperpageWith(page, Pte.LARGE);
    }

    @Test
    void theLastOf512EqualMappingsOfConsecutiveFramesMakesThemOne() {
        enter(REGION, 2 * REGION - 1, Prot.RW, WRITTEN);
        assertThat(isLarge(REGION)).isFalse();
        enter(2 * REGION - 1, 2 * REGION, Prot.RW, WRITTEN);
        assertThat(isLarge(REGION)).isTrue();
        assertThat(space.residentCount()).isEqualTo(REGION);
        assertThat(space.prefaultable(REGION + 5, 1)).isZero();
        assertThat(mappings.count(REGION + 5, 9, (each, page) -> each == space && page == REGION + 5))
                .isEqualTo(1);
        long entry = space.walk(PageSize.bytes(REGION + 77), Prot.WRITE);
        assertThat(TlbEntry.frame(entry)).isEqualTo(REGION + 77);
        assertThat(TlbEntry.allows(entry, Prot.WRITE)).isTrue();
        assertThat(TlbEntry.allows(entry, Prot.EXECUTE)).isFalse();
    }

    @Test
    void anyOrderWillDo() {
        for (int i = 0; i < REGION; i++) {
            long page = 2 * REGION + (i * 171 & REGION - 1);
            assertThat(isLarge(page)).isFalse();
            enter(page, page + 1, Prot.READ, USED);
        }
        assertThat(isLarge(2 * REGION)).isTrue();
        for (long page = 4 * REGION - 1; page >= 3 * REGION; page--) {
            enter(page, page + 1, Prot.RW, WRITTEN);
        }
        assertThat(isLarge(3 * REGION)).isTrue();
    }

    @Test
    void whatDiffersStaysApart() {
        enter(REGION, 2 * REGION, Prot.RW, USED);
        assertThat(isLarge(REGION)).as("writeable and not written").isFalse();
        enter(2 * REGION, 3 * REGION, Prot.READ, MmuMapping.MANAGED);
        assertThat(isLarge(2 * REGION)).as("not accessed").isFalse();
        enter(3 * REGION, 4 * REGION - 1, Prot.READ, USED);
        enter(4 * REGION - 1, 4 * REGION, Prot.READ | Prot.EXECUTE, USED);
        assertThat(isLarge(3 * REGION)).as("different rights").isFalse();
        for (int i = 0; i < REGION; i++) {
            space.enter(4 * REGION + i, 5 * REGION + (i + 1) % REGION, Prot.READ, USED);
        }
        assertThat(isLarge(4 * REGION)).as("frames out of place").isFalse();
        optimised = false;
        enter(6 * REGION, 7 * REGION, Prot.RW, WRITTEN);
        assertThat(isLarge(6 * REGION)).as("not wanted").isFalse();
    }

    @Test
    void aChangeOfOnePageMakesSingleMappingsThatKnowWhatItKnew() {
        enter(REGION, 5 * REGION, Prot.RW, WRITTEN);
        mappings.clear(REGION + 3, Pte.WRITE | Pte.DIRTY, 9, Amd64Space::writeProtect);
        space.protect(2 * REGION + 1, 2 * REGION + 2, Prot.READ);
        space.remove(3 * REGION + 511, 3 * REGION + 512);
        space.changeWiring(4 * REGION, true);
        for (int region = 1; region < 5; region++) {
            assertThat(isLarge(region * REGION)).isFalse();
            for (int i = 5; i < REGION - 1; i++) {
                long page = region * REGION + i;
                assertThat(space.query(page)).isEqualTo(MmuMapping.of((int) page, Prot.RW, WRITTEN));
                assertThat(mappings.count((int) page, 9, (each, at) -> at == page))
                        .isEqualTo(1);
            }
        }
        assertThat(modified).containsExactlyInAnyOrder(REGION + 3, 2 * REGION + 1, 4 * REGION - 1);
        assertThat(space.wiredCount()).isEqualTo(1);
    }

    @Test
    void removalGivesTheKeptTableBack() {
        enter(REGION, 3 * REGION, Prot.RW, WRITTEN);
        int left = mappings.freeTables();
        space.remove(REGION, 2 * REGION);
        assertThat(mappings.freeTables()).isEqualTo(left + 1);
        assertThat(modified).hasSize(REGION);
        assertThat(unmapped).hasSize(REGION);
        mappings.removeAll(2 * REGION + 9);
        assertThat(space.residentCount()).isEqualTo(REGION - 1);
        space.removeUnwired();
        space.release();
        assertThat(mappings.freeTables()).isEqualTo(TABLES);
        assertThat(unmapped).hasSize(2 * REGION);
    }

    @Test
    void aChildGetsSuperpagesReadOnlyAndBothSidesWriteApart() {
        enter(REGION, 3 * REGION, Prot.RW, WRITTEN);
        enter(3 * REGION, 3 * REGION + 5, Prot.RW, WRITTEN);
        Amd64Space child = mappings.create(2);
        space.protect(REGION, 4 * REGION, Prot.READ);
        child.copy(space, REGION, 4 * REGION);
        assertThat(child.residentCount()).isEqualTo(2 * REGION);
        assertThat(child.query(REGION + 1)).isEqualTo(MmuMapping.of(REGION + 1, Prot.READ, MmuMapping.MANAGED));
        assertThat(child.walk(PageSize.bytes(REGION + 1), Prot.WRITE)).isEqualTo(TlbEntry.MISS);
        assertThat(TlbEntry.frame(child.walk(PageSize.bytes(REGION + 1), Prot.READ)))
                .isEqualTo(REGION + 1);
        assertThat(isLarge(child, REGION)).isTrue();
        assertThat(child.query(REGION + 1)).isEqualTo(MmuMapping.of(REGION + 1, Prot.READ, USED));
        assertThat(modified).as("kept in the mappings").isEmpty();
        int other = 6 * REGION;
        child.enter(REGION, other, Prot.RW, WRITTEN);
        space.enter(2 * REGION, other + 1, Prot.RW, WRITTEN);
        assertThat(MmuMapping.frame(child.query(REGION))).isEqualTo(other);
        assertThat(MmuMapping.frame(space.query(REGION))).isEqualTo(REGION);
        assertThat(MmuMapping.frame(space.query(2 * REGION))).isEqualTo(other + 1);
        assertThat(MmuMapping.frame(child.query(2 * REGION))).isEqualTo(2 * REGION);
        for (int frame = REGION; frame < 3 * REGION; frame++) {
            mappings.removeAll(frame);
            assertThat(modified).contains(frame);
        }
        assertThat(child.residentCount()).isEqualTo(1);
        assertThat(space.residentCount()).isEqualTo(6);
    }

    @Test
    void protectionAndCopyOfRegionsCostEntriesOfDirectories() {
        enter(REGION, 5 * REGION, Prot.RW, WRITTEN);
        enter(5 * REGION, 8 * REGION, Prot.RW, USED);
        Amd64Space child = mappings.create(2);
        // A superpage costs an entry in either space, and the way to it.
        accesses.set(0);
        space.protect(REGION, 8 * REGION, Prot.READ);
        child.copy(space, REGION, 8 * REGION);
        assertThat(accesses.get()).isLessThan(7 * 40);
        assertThat(child.residentCount()).isEqualTo(4 * REGION);
        accesses.set(0);
        child.remove(REGION, 8 * REGION);
        assertThat(accesses.get()).as("what was not used is not reported").isLessThan(4 * 40);
        assertThat(child.residentCount()).isZero();
    }
}
