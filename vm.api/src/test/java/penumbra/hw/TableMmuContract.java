// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an {@link Mmu} must do besides that keeps four levels of tables of 512 entries in frames. */
public abstract class TableMmuContract extends MmuContract {
    private static final int FEW_TABLES = 64;

    /** How many table frames {@code of}, which {@link #create} has made, has left. */
    protected abstract int freeTables(Mmu of);

    private MmuSpace space;

    @BeforeEach
    void serveWithFewTables() {
        mmu.detach();
        serve(FRAMES, FEW_TABLES);
        space = spaces.get(1);
    }

    private int free() {
        return freeTables(mmu);
    }

    /** The original's mappings come and go by the table page, and its prefaults with them. */
    @Test
    void prefaultsExactlyWhereSomethingIsMappedInTheSame2MiB() {
        assertThat(space.prefaultable(100, 1)).isZero();
        space.enter(511, first, Prot.READ, MANAGED);
        assertThat(space.prefaultable(0, 1)).isOne();
        assertThat(space.prefaultable(511, 1)).isZero();
        assertThat(space.prefaultable(512, 1)).isZero();
        assertThat(space.prefaultable(509, 64))
                .as("two pages before it, none behind")
                .isEqualTo(0b11);
        mmu.removeAll(first);
        assertThat(space.prefaultable(0, 1)).isZero();
        space.enter(511, first, Prot.READ, MANAGED);
        space.remove(511, 512);
        assertThat(space.prefaultable(0, 1)).isZero();
    }

    @Test
    void tablesAreTakenWhenNeededAndFreedWhenEmpty() {
        assertThat(free()).isEqualTo(FEW_TABLES);
        space.enter(0, first, Prot.READ, MANAGED);
        assertThat(free()).isEqualTo(FEW_TABLES - 4);
        space.enter(511, first, Prot.READ, MANAGED);
        assertThat(free()).isEqualTo(FEW_TABLES - 4);
        space.enter(512, first, Prot.READ, MANAGED);
        assertThat(free()).isEqualTo(FEW_TABLES - 5);
        space.enter(1L << 34, first, Prot.READ, 0);
        assertThat(free()).isEqualTo(FEW_TABLES - 8);
        mmu.removeAll(first);
        assertThat(free()).isEqualTo(FEW_TABLES - 4);
        space.remove(0, 1L << 35);
        assertThat(free()).isEqualTo(FEW_TABLES - 1);
        space.release();
        assertThat(free()).isEqualTo(FEW_TABLES);
    }

    @Test
    void aFailedEnterTakesNoTable() {
        long page = 0;
        while (free() > 2) {
            space.enter(page, first, Prot.READ, MANAGED);
            page += 1L << 18;
        }
        int left = free();
        assertThat(space.enter(1L << 34, first, Prot.READ, MANAGED)).isFalse();
        assertThat(free()).isEqualTo(left);
        assertThat(space.walk(1L << 46, Prot.READ)).isZero();
    }
}
