// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import penumbra.hw.HeapMemory;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.Mmu;
import penumbra.hw.MmuMapping;
import penumbra.hw.Prot;
import penumbra.hw.TableMmuContract;
import penumbra.hw.TlbEntry;
import penumbra.hw.TlbModel;

class RiscvMmuTest extends TableMmuContract {
    @Override
    protected Mmu create() {
        return new RiscvMmu();
    }

    @Override
    protected int freeTables(Mmu of) {
        return ((RiscvMmu) of).served().tables.freeCount();
    }

    /** There is none that caches loads only. */
    @Override
    protected int kept(int wanted) {
        return wanted == MemoryAttribute.WRITE_THROUGH ? MemoryAttribute.UNCACHEABLE : wanted;
    }

    @Test
    void entriesAreThoseOfTheManual() {
        int far = 0x1_2345;
        long entry = Sv48.mapping(far, Prot.RW, MmuMapping.MANAGED | MmuMapping.ACCESSED | MmuMapping.MODIFIED);
        assertThat(entry).isEqualTo(0x48D_16D7L | 1 << 9);
        assertThat(Sv48.mapping(far, Prot.READ | Prot.EXECUTE, MmuMapping.WIRED))
                .isEqualTo(0x48D_151BL);
        assertThat(Sv48.mapping(far, Prot.NONE, 0)).isEqualTo(0x48D_1410L);
        assertThat(Sv48.frame(entry)).isEqualTo(far);
        assertThat(Sv48.table(far)).isEqualTo(0x48D_1401L);
        assertThat(Sv48.satp(5, far)).isEqualTo(0x9000_5000_0001_2345L);
        assertThat(Sv48.root(Sv48.satp(0xFFFF, far))).isEqualTo(far);
    }

    @Test
    void memoryAttributesAreMemoryTypes() {
        assertThat(typed(MemoryAttribute.WRITE_BACK)).isZero();
        assertThat(typed(MemoryAttribute.WRITE_COMBINING)).isEqualTo(0x2000_0000_0000_0000L);
        assertThat(typed(MemoryAttribute.UNCACHEABLE)).isEqualTo(0x4000_0000_0000_0000L);
        assertThat(typed(MemoryAttribute.WRITE_THROUGH)).isEqualTo(0x4000_0000_0000_0000L);
    }

    private static long typed(int memattr) {
        return Sv48.mapping(5, Prot.RW, MmuMapping.ofMemory(memattr)) & ~Sv48.mapping(5, Prot.RW, 0);
    }

    /** The bits of the entry itself: a load leaves the dirty bit alone, and only with it a TLB may write. */
    @Test
    void softwareMarksWhatHartsDoNot() {
        HeapMemory memory = new HeapMemory(8, 64);
        Served served = new Served(new TlbModel(), memory, this);
        int frame = memory.segments().get(0).firstFrame();
        RiscvSpace space = served.create(1);
        space.enter(7, frame, Prot.RW, MmuMapping.MANAGED);
        int leaf = leaf(served, memory, 7);
        long unmarked = Sv48.mapping(frame, Prot.RW, MmuMapping.MANAGED);
        assertThat(memory.loadVolatile(leaf, 7 * Long.BYTES)).isEqualTo(unmarked);
        long read = space.walk(7 << 12, Prot.READ);
        assertThat(TlbEntry.allows(read, Prot.WRITE)).isFalse();
        assertThat(memory.loadVolatile(leaf, 7 * Long.BYTES)).isEqualTo(unmarked | Sv48.ACCESSED);
        long written = space.walk(7 << 12, Prot.WRITE);
        assertThat(TlbEntry.allows(written, Prot.WRITE)).isTrue();
        assertThat(memory.loadVolatile(leaf, 7 * Long.BYTES)).isEqualTo(unmarked | Sv48.ACCESSED | Sv48.DIRTY);
    }

    /** Follows the tables of the only space as a hart does; its root is the first table that was taken. */
    private static int leaf(Served served, HeapMemory memory, long page) {
        int table = served.tables.frame(0);
        for (int level = Sv48.LEVELS - 1; level > 0; level--) {
            long entry = memory.loadVolatile(table, Sv48.offset(page, level));
            assertThat(entry & 0xFF).as("a pointer has no other bits").isEqualTo(Sv48.VALID);
            table = Sv48.frame(entry);
        }
        return table;
    }
}
