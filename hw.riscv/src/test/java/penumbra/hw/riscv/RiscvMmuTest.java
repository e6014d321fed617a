// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import penumbra.hw.HeapMemory;
import penumbra.hw.Mmu;
import penumbra.hw.MmuContract;
import penumbra.hw.MmuMapping;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.TlbModel;
import penumbra.kern.KernelPanic;

class RiscvMmuTest extends MmuContract {
    private static final int TABLES = 64;

    private final HeapMemory memory = new HeapMemory(8, TABLES);
    private final Served served = new Served(new TlbModel(), memory, this);
    private final int frame = memory.segments().get(0).firstFrame();

    @Override
    protected Mmu create() {
        return new RiscvMmu();
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

    /** The bits of the entry itself: a load leaves the dirty bit alone, and only with it a TLB may write. */
    @Test
    void softwareMarksWhatHartsDoNot() {
        RiscvSpace space = served.create(1);
        space.enter(7, frame, Prot.RW, MmuMapping.MANAGED);
        int leaf = leaf(7);
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
    private int leaf(long page) {
        int table = served.tables.frame(0);
        for (int level = Sv48.LEVELS - 1; level > 0; level--) {
            long entry = memory.loadVolatile(table, Sv48.offset(page, level));
            assertThat(entry & 0xFF).as("a pointer has no other bits").isEqualTo(Sv48.VALID);
            table = Sv48.frame(entry);
        }
        return table;
    }

    /** The original's mappings come and go by the table page, and its prefaults with them. */
    @Test
    void prefaultsExactlyWhereSomethingIsMappedInTheSame2MiB() {
        RiscvSpace space = served.create(1);
        assertThat(space.prefaultable(100)).isFalse();
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(space.prefaultable(0)).isTrue();
        assertThat(space.prefaultable(511)).isFalse();
        assertThat(space.prefaultable(512)).isFalse();
        served.removeAll(frame);
        assertThat(space.prefaultable(0)).isFalse();
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        space.remove(511, 512);
        assertThat(space.prefaultable(0)).isFalse();
    }

    @Test
    void tablesAreTakenWhenNeededAndFreedWhenEmpty() {
        RiscvSpace space = served.create(1);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES);
        space.enter(0, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 4);
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 4);
        space.enter(512, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 5);
        space.enter(1L << 34, frame, Prot.READ, 0);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 8);
        served.removeAll(frame);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 4);
        space.remove(0, 1L << 35);
        assertThat(served.tables.freeCount()).isEqualTo(TABLES - 1);
        space.release();
        assertThat(served.tables.freeCount()).isEqualTo(TABLES);
    }

    @Test
    void aFailedEnterTakesNoTable() {
        RiscvSpace space = served.create(1);
        long page = 0;
        while (served.tables.freeCount() > 2) {
            space.enter(page, frame, Prot.READ, MmuMapping.MANAGED);
            page += 1L << 18;
        }
        int left = served.tables.freeCount();
        assertThat(space.enter(1L << 34, frame, Prot.READ, MmuMapping.MANAGED)).isFalse();
        assertThat(served.tables.freeCount()).isEqualTo(left);
        assertThat(space.walk(1L << 46, Prot.READ)).isZero();
    }

    @Test
    void serviceOfTwoMachinesIsRefused() {
        Mmu mmu = create();
        assertThatThrownBy(() -> mmu.create(0)).isInstanceOf(KernelPanic.class);
        mmu.attach(new TlbModel(), new HeapMemory(8, 8), this);
        assertThatThrownBy(() -> mmu.attach(new TlbModel(), memory, this)).isInstanceOf(KernelPanic.class);
        mmu.detach();
        mmu.attach(new TlbModel(), new HeapMemory(8, 8), this);
        mmu.detach();
    }
}
