// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import penumbra.hw.MemoryAttribute;
import penumbra.hw.Mmu;
import penumbra.hw.MmuMapping;
import penumbra.hw.Prot;
import penumbra.hw.TableMmuContract;

class Amd64MmuTest extends TableMmuContract {
    @Override
    protected Mmu create() {
        return new Amd64Mmu();
    }

    @Override
    protected int freeTables(Mmu of) {
        return ((Amd64Mmu) of).mappings().freeTables();
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
    void memoryAttributesAreIndexesIntoThePageAttributeTable() {
        assertThat(cached(MemoryAttribute.WRITE_BACK)).isEqualTo(0x1234_5005L);
        assertThat(cached(MemoryAttribute.WRITE_THROUGH)).isEqualTo(0x1234_500DL);
        assertThat(cached(MemoryAttribute.UNCACHEABLE)).isEqualTo(0x1234_501DL);
        assertThat(cached(MemoryAttribute.WRITE_COMBINING)).isEqualTo(0x1234_5095L);
    }

    /** Where an entry of the lowest level has the uppermost bit of the index, a directory's says that it is large. */
    @Test
    void aLargeEntryHasTheIndexElsewhere() {
        int far = 0x1_2200;
        long combining = Pte.of(far, Prot.READ | Prot.EXECUTE, MmuMapping.ofMemory(MemoryAttribute.WRITE_COMBINING));
        long large = Pte.large(combining);
        assertThat(large).isEqualTo(0x1220_1095L);
        assertThat(Pte.largeFrame(large)).isEqualTo(far);
        assertThat(Pte.small(large, 5)).isEqualTo(combining + 0x5000);
        long plain = Pte.of(far, Prot.READ | Prot.EXECUTE, 0);
        assertThat(Pte.large(plain)).isEqualTo(0x1220_0085L);
        assertThat(Pte.small(Pte.large(plain), 511)).isEqualTo(plain + 0x1F_F000);
    }

    private static long cached(int memattr) {
        return Pte.of(0x1_2345, Prot.READ | Prot.EXECUTE, MmuMapping.ofMemory(memattr));
    }
}
