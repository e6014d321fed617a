// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.KernelPanic;

/** An MMU that fails when it is told to: whatever the call was, no modified page may be taken for clean. */
class GuardedMmuTest {
    private static final int FRAMES = 8;
    private static final long VA = 0x1000;

    private final TestMachine test = new TestMachine(FRAMES);
    private final SimMachine machine = test.machine;
    private final List<TestPage> pages = test.pages;
    private final BreakableMmu mmu = new BreakableMmu(new Amd64Mmu());
    private final PmapLayer layer = test.layer(mmu.mmu(), false);
    private final Pmap pmap = layer.create();

    @BeforeEach
    void mapSomePages() {
        pmap.enter(VA, Prot.WRITE, pages.get(0), Prot.RW, false);
        pmap.enter(2 * VA, Prot.READ, pages.get(1), Prot.RW, false);
        pmap.enter(3 * VA, Prot.READ, pages.get(2), Prot.READ, false);
    }

    @AfterEach
    void giveBack() {
        test.close();
    }

    @ParameterizedTest
    @MethodSource("penumbra.vm.pmap.MmuCalls#names")
    void aFailureMakesEveryWriteablePageDirtyAndEndsTheMachine(String method) {
        mmu.fail(method);
        assertThatThrownBy(() -> call(method)).isInstanceOf(KernelPanic.class).hasMessageContaining("test: " + method);
        assertThat(machine.panic()).isNotNull();
        assertThat(pages.get(0).modified).isTrue();
        assertThat(pages.get(1).modified).isTrue();
        assertThat(pages.get(2).modified).isFalse();
        mmu.fail("");
        assertThatThrownBy(() -> call(method)).isSameAs(machine.panic());
        assertThat(mmu.calls()).as("calls of the parked MMU").isZero();
    }

    private void call(String method) {
        MmuCalls.call(method, layer, pmap, VA, pages.get(0));
    }

    /**
     * A CPU that walks is in user mode, where nobody can change the MMU: the walk misses, and who handles the trap can.
     */
    @Test
    void aWalkThatFailsMisses() {
        mmu.fail("walk");
        assertThat(pmap.walk(VA, Prot.READ)).isEqualTo(TlbEntry.MISS);
        mmu.fail("");
        assertThat(pmap.walk(VA, Prot.READ)).isEqualTo(TlbEntry.MISS);
        assertThatThrownBy(() -> pmap.extract(VA))
                .isInstanceOf(KernelPanic.class)
                .hasMessageContaining("test: walk");
        assertThat(machine.panic()).isNotNull();
        assertThat(pages.get(0).modified).isTrue();
    }

    @Test
    void aVisitorsExceptionIsTheVisitorsOwn() {
        assertThatThrownBy(() -> pmap.forEach((at, frame, prot, attributes) -> {
                    throw new IllegalArgumentException("visitor");
                }))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(machine.panic()).isNull();
        assertThat(pmap.residentCount()).isEqualTo(3);
    }
}
