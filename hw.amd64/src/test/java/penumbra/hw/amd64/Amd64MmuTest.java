// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import penumbra.hw.HeapMemory;
import penumbra.hw.Mmu;
import penumbra.hw.MmuContract;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuSpace;
import penumbra.hw.Prot;
import penumbra.hw.TlbModel;
import penumbra.kern.KernelPanic;

class Amd64MmuTest extends MmuContract {
    private static final int TABLES = 64;

    private final HeapMemory memory = new HeapMemory(8, TABLES);
    private final Mappings mappings = new Mappings(new TlbModel(), memory, this);
    private final int frame = memory.segments().get(0).firstFrame();

    @Override
    protected Mmu create() {
        return new Amd64Mmu();
    }

    /** The original's mappings come and go by the table page, and its prefaults with them. */
    @Test
    void prefaultsExactlyWhereSomethingIsMappedInTheSame2MiB() {
        MmuSpace space = mappings.create(1);
        assertThat(space.prefaultable(100)).isFalse();
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(space.prefaultable(0)).isTrue();
        assertThat(space.prefaultable(511)).isFalse();
        assertThat(space.prefaultable(512)).isFalse();
        mappings.removeAll(frame);
        assertThat(space.prefaultable(0)).isFalse();
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        space.remove(511, 512);
        assertThat(space.prefaultable(0)).isFalse();
    }

    @Test
    void tablesAreTakenWhenNeededAndFreedWhenEmpty() {
        Amd64Space space = mappings.create(1);
        assertThat(mappings.freeTables()).isEqualTo(TABLES);
        space.enter(0, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 4);
        space.enter(511, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 4);
        space.enter(512, frame, Prot.READ, MmuMapping.MANAGED);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 5);
        space.enter(1L << 34, frame, Prot.READ, 0);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 8);
        mappings.removeAll(frame);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 4);
        space.remove(0, 1L << 35);
        assertThat(mappings.freeTables()).isEqualTo(TABLES - 1);
        space.release();
        assertThat(mappings.freeTables()).isEqualTo(TABLES);
    }

    @Test
    void aFailedEnterTakesNoTable() {
        Amd64Space space = mappings.create(1);
        long page = 0;
        while (mappings.freeTables() > 2) {
            space.enter(page, frame, Prot.READ, MmuMapping.MANAGED);
            page += 1L << 18;
        }
        int left = mappings.freeTables();
        assertThat(space.enter(1L << 34, frame, Prot.READ, MmuMapping.MANAGED)).isFalse();
        assertThat(mappings.freeTables()).isEqualTo(left);
        assertThat(space.walk(1L << 46, Prot.READ)).isZero();
    }

    @Test
    void entriesAreThoseOfTheManual() {
        int far = 0x1_2345;
        long pte = Pte.of(far, Prot.RW, MmuMapping.MANAGED | MmuMapping.ACCESSED | MmuMapping.MODIFIED);
        assertThat(pte).isEqualTo(0x8000_0000_1234_5467L);
        assertThat(Pte.of(far, Prot.READ | Prot.EXECUTE, MmuMapping.WIRED)).isEqualTo(0x1234_5205L);
        assertThat(Pte.frame(pte)).isEqualTo(far);
        assertThat(Pte.table(far)).isEqualTo(0x1234_5027L);
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
