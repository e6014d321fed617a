// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelPanic;

/** What every {@link Mmu} must do: extend it and say how one of yours is made. */
public abstract class MmuContract extends MmuModelContract {
    @Test
    void hasAName() {
        assertThat(mmu.name()).isNotBlank().doesNotContain(" ");
    }

    @Test
    void anEmptySpaceMapsNothing() {
        MmuSpace space = spaces.get(1);
        assertThat(space.walk(0, Prot.READ)).isEqualTo(TlbEntry.MISS);
        assertThat(space.walk((1L << 47) - 1, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
        assertThat(space.query(0)).isEqualTo(-1);
        assertThat(space.residentCount()).isZero();
        assertThat(space.prefaultable(7, 1)).isZero();
        assertThat(space.changeWiring(7, true)).isFalse();
    }

    @Test
    void deviceMemoryIsManagedLikeAnyOther() {
        MemorySegment device = memory.segments().stream()
                .filter(segment -> segment.use() == SegmentUse.DEVICE)
                .findFirst()
                .orElseThrow();
        for (int frame : new int[] {device.firstFrame(), device.endFrame() - 1}) {
            spaces.get(1).enter(5, frame, Prot.RW, MANAGED);
            spaces.get(2).enter(9, frame, Prot.RW, MANAGED);
            spaces.get(2).walk(9 << PageSize.SHIFT, Prot.WRITE);
            assertThat(mmu.isMapped(frame)).isTrue();
            assertThat(mmu.isModified(frame)).isTrue();
            mmu.removeWrite(frame);
            assertThat(modified).contains(frame);
            assertThat(spaces.get(2).walk(9 << PageSize.SHIFT, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
            mmu.removeAll(frame);
            assertThat(unmapped).contains(frame);
            assertThat(mmu.isMapped(frame)).isFalse();
            assertThat(spaces.get(1).query(5)).isEqualTo(-1);
        }
    }

    @Test
    void theWalkSetsAccessedAndModified() {
        MmuSpace space = spaces.get(1);
        space.enter(5, first, Prot.RW, MANAGED);
        assertThat(space.query(5)).isEqualTo(MmuMapping.of(first, Prot.RW, MANAGED));
        assertThat(mmu.isReferenced(first)).isFalse();
        long read = space.walk(5 << PageSize.SHIFT | 123, Prot.READ);
        assertThat(TlbEntry.allows(read, Prot.READ)).isTrue();
        assertThat(TlbEntry.allows(read, Prot.WRITE)).isFalse();
        assertThat(TlbEntry.allows(read, Prot.EXECUTE)).isFalse();
        assertThat(mmu.isReferenced(first)).isTrue();
        assertThat(mmu.isModified(first)).isFalse();
        long write = space.walk(5 << PageSize.SHIFT, Prot.WRITE);
        assertThat(TlbEntry.allows(write, Prot.WRITE)).isTrue();
        assertThat(mmu.isModified(first)).isTrue();
        assertThat(space.walk(5 << PageSize.SHIFT, Prot.EXECUTE)).isEqualTo(TlbEntry.MISS);
        assertThat(modified).isEmpty();
        assertThat(referenced).isEmpty();
    }

    @Test
    void removalReportsWhatTheMappingSaw() {
        spaces.get(1).enter(5, first, Prot.RW, MANAGED | ACCESSED | MODIFIED);
        spaces.get(2).enter(9, first, Prot.READ, MANAGED);
        spaces.get(3).enter(9, first + 1, Prot.READ, MANAGED | ACCESSED);
        spaces.get(3).enter(10, first + 2, Prot.RW, ACCESSED | MODIFIED);
        mmu.removeAll(first);
        assertThat(modified).containsExactly(first);
        assertThat(referenced).containsExactly(first);
        spaces.get(3).remove(0, 100);
        assertThat(modified).containsExactly(first);
        assertThat(referenced).containsExactlyInAnyOrder(first, first + 1);
        assertThat(mmu.isMapped(first)).isFalse();
        assertThat(spaces.get(1).residentCount()).isZero();
        assertThat(spaces.get(2).residentCount()).isZero();
        assertThat(spaces.get(3).residentCount()).isZero();
    }

    @Test
    void countsReferencesUpToTheLimit() {
        for (MmuSpace space : spaces) {
            space.enter(3, first, Prot.READ, MANAGED | ACCESSED);
        }
        assertThat(mmu.testAndClearReferenced(first, 3)).isEqualTo(3);
        assertThat(mmu.testAndClearReferenced(first, 3)).isEqualTo(1);
        assertThat(mmu.testAndClearReferenced(first, 3)).isZero();
    }

    @Test
    void tablesThatRunOutChangeNothing() {
        mmu.detach();
        serve(FRAMES, 8);
        MmuSpace space = spaces.get(1);
        List<Long> mapped = new ArrayList<>();
        long page = 0;
        while (space.enter(page, first, Prot.READ, MANAGED)) {
            mapped.add(page);
            page += 1L << 27;
        }
        assertThat(mapped).isNotEmpty();
        assertThat(space.query(page)).isEqualTo(-1);
        assertThat(space.residentCount()).isEqualTo(mapped.size());
        assertThat(spaces.get(2).enter(0, first, Prot.READ, MANAGED)).isFalse();
        space.remove(mapped.get(0), mapped.get(0) + 1);
        assertThat(space.enter(page, first, Prot.READ, MANAGED)).isTrue();
        assertThat(spaces.get(2).enterQuick(0, first, Prot.READ, MANAGED)).isFalse();
        space.removeUnwired();
        assertThat(space.residentCount()).isZero();
        assertThat(spaces.get(2).enter(0, first, Prot.READ, MANAGED)).isTrue();
    }

    @Test
    void tablesComeBack() {
        for (int round = 0; round < 2 * TABLES; round++) {
            MmuSpace space = spaces.get(round % SPACES);
            long page = (long) round << 20;
            assertThat(space.enter(page, first + 1, Prot.READ, MANAGED)).isTrue();
            switch (round % 4) {
                case 0 -> space.remove(page, page + 1);
                case 1 -> mmu.removeAll(first + 1);
                case 2 -> space.removeUnwired();
                default -> {
                    space.release();
                    spaces.set(round % SPACES, mmu.create(round % SPACES));
                }
            }
            assertThat(mmu.isMapped(first + 1)).isFalse();
        }
    }

    @Test
    void aProtectedRangeIsWrittenNoMoreAndForgetsNothing() {
        mmu.detach();
        serve(MANY_FRAMES, TABLES);
        optimised = true;
        MmuSpace space = spaces.get(1);
        for (int i = 0; i < 2 * REGION; i++) {
            space.enter(i, first + i, Prot.RW, MANAGED | ACCESSED | (i % 3 == 0 ? MODIFIED : 0));
        }
        space.protect(0, 2 * REGION, Prot.READ);
        for (int i = 0; i < 2 * REGION; i++) {
            assertThat(space.walk((long) i << PageSize.SHIFT, Prot.WRITE)).isEqualTo(TlbEntry.MISS);
            assertThat(space.query(i) & Prot.ALL).isEqualTo(Prot.READ);
            boolean known = modified.contains(first + i) || mmu.isModified(first + i);
            assertThat(known).as("page %d", i).isEqualTo(i % 3 == 0);
        }
        // One page of each region can be written again, the others cannot.
        space.enter(7, first + 7, Prot.RW, MANAGED | ACCESSED | MODIFIED);
        space.enter(REGION + 9, first + 2 * REGION + 9, Prot.RW, MANAGED | ACCESSED);
        for (int i = 0; i < 2 * REGION; i++) {
            boolean again = i == 7 || i == REGION + 9;
            long entry = space.walk((long) i << PageSize.SHIFT, Prot.WRITE);
            assertThat(TlbEntry.allows(entry, Prot.WRITE)).as("page %d", i).isEqualTo(again);
        }
        for (int i = 0; i < 2 * REGION; i++) {
            mmu.removeWrite(first + i);
            assertThat(mmu.isModified(first + i)).isFalse();
            assertThat(modified.contains(first + i)).as("page %d", i).isEqualTo(i % 3 == 0 || i == 7);
        }
    }

    @Test
    void aMappingKeepsItsMemoryAttribute() {
        MmuSpace space = spaces.get(1);
        for (int memattr = MemoryAttribute.WRITE_BACK; memattr <= MemoryAttribute.WRITE_THROUGH; memattr++) {
            int attributes = MANAGED | ACCESSED | MmuMapping.ofMemory(memattr);
            space.enter(5, first, Prot.READ, attributes);
            space.enterQuick(6 + memattr, first + 1, Prot.READ, attributes);
            int expected = MANAGED | ACCESSED | MmuMapping.ofMemory(kept(memattr));
            assertThat(space.query(5)).isEqualTo(MmuMapping.of(first, Prot.READ, expected));
            assertThat(space.query(6 + memattr)).isEqualTo(MmuMapping.of(first + 1, Prot.READ, expected));
        }
        assertThat(space.residentCount()).isEqualTo(5);
    }

    /**
     * Accesses of two kinds to the same page do not agree: nobody may go on with the old kind when the new one is made.
     */
    @Test
    void anotherMemoryAttributeReachesTheMappingAndEveryTlb() {
        MmuSpace space = spaces.get(1);
        int seen = MANAGED | ACCESSED | MODIFIED;
        space.enter(5, first, Prot.RW, seen);
        for (int memattr : new int[] {MemoryAttribute.WRITE_COMBINING, MemoryAttribute.UNCACHEABLE, 0}) {
            machine.fill(1, 5, space.walk(5 << PageSize.SHIFT, Prot.WRITE));
            space.enter(5, first, Prot.RW, seen | MmuMapping.ofMemory(memattr));
            assertThat(machine.entries()).as("memory attribute %d", memattr).isEmpty();
            assertThat(MmuMapping.memory(MmuMapping.attributes(space.query(5)))).isEqualTo(memattr);
            assertThat(mmu.isModified(first)).isTrue();
        }
        assertThat(modified).isEmpty();
    }

    @Test
    void holdsOnlyWhatTheMappingAllows() {
        MmuSpace space = spaces.get(1);
        List<Integer> held = new ArrayList<>();
        space.enter(5, first, Prot.READ, MANAGED);
        space.enter(6, first + 1, Prot.RW, 0);
        space.enter(7, first + 2, Prot.NONE, MANAGED | WIRED);
        assertThat(space.hold(5, Prot.WRITE, held::add)).isFalse();
        assertThat(space.hold(7, Prot.READ, held::add)).isFalse();
        assertThat(space.hold(8, Prot.NONE, held::add)).isFalse();
        assertThat(held).isEmpty();
        assertThat(space.hold(5, Prot.READ, held::add)).isTrue();
        assertThat(space.hold(6, Prot.RW, held::add)).isTrue();
        assertThat(held).containsExactly(first, first + 1);
    }

    @Test
    void findsASpaceAmongTheFirstMappingsOfAFrame() {
        for (int asid = 0; asid < SPACES; asid++) {
            spaces.get(asid).enter(asid, first, Prot.READ, MANAGED);
        }
        spaces.get(0).remove(0, 1);
        int found = 0;
        for (int asid = 1; asid < SPACES; asid++) {
            assertThat(mmu.isMappedBy(asid, first, SPACES)).isTrue();
            found += mmu.isMappedBy(asid, first, 1) ? 1 : 0;
        }
        assertThat(found).isEqualTo(1);
        assertThat(mmu.isMappedBy(0, first, SPACES)).isFalse();
    }

    @Test
    void aLargeMappingIsManySmallOnes() {
        mmu.detach();
        optimised = true;
        serve(MANY_FRAMES, TABLES);
        MmuSpace space = spaces.get(1);
        int size = space.largeSize();
        int frame = largeFrame();
        int attributes = MANAGED | ACCESSED | MODIFIED | MmuMapping.ofMemory(MemoryAttribute.WRITE_COMBINING);
        boolean entered = space.enterLarge(size, frame, Prot.RW, attributes);
        assertThat(entered).isEqualTo(size > 1);
        assertThat(space.residentCount()).isEqualTo(entered ? size : 0);
        if (entered) {
            assertThat(space.enterLarge(size, frame, Prot.RW, attributes)).isFalse();
            assertThat(space.query(2L * size - 1)).isEqualTo(MmuMapping.of(frame + size - 1, Prot.RW, attributes));
            mmu.removeAll(frame + 1);
            assertThat(modified).containsExactly(frame + 1);
            assertThat(space.query(size + 1)).isEqualTo(MmuMapping.NONE);
            assertThat(space.query(size)).isEqualTo(MmuMapping.of(frame, Prot.RW, attributes));
            assertThat(space.residentCount()).isEqualTo(size - 1);
            space.remove(0, 3L * size);
        }
        assertThat(space.residentCount()).isZero();
    }

    @Test
    void serviceOfTwoMachinesIsRefused() {
        Mmu idle = create();
        assertThatThrownBy(() -> idle.create(0)).isInstanceOf(KernelPanic.class);
        idle.attach(new TlbModel(), new HeapMemory(8, 8), this);
        assertThatThrownBy(() -> idle.attach(new TlbModel(), memory, this)).isInstanceOf(KernelPanic.class);
        idle.detach();
        idle.attach(new TlbModel(), new HeapMemory(8, 8), this);
        idle.detach();
    }
}
