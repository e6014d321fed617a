// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.Pmap;
import penumbra.hw.Prot;
import penumbra.hw.TlbEntry;
import penumbra.hw.amd64.Amd64Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;

/** An MMU that fails when it is told to: whatever the call was, no modified page may be taken for clean. */
class GuardedMmuTest {
    private static final int FRAMES = 8;
    private static final long VA = 0x1000;

    private final FrameMemory memory = new FrameMemory(MemoryLayout.ofFrames(FRAMES));
    private final SimMachine machine = new SimMachine(memory, MachineSettings.stepped(Fidelity.CORRECTED));
    private final List<TestPage> pages = new ArrayList<>();
    private final BreakableMmu mmu = new BreakableMmu(new Amd64Mmu());
    private PmapLayer layer;
    private Pmap pmap;

    @BeforeEach
    void boot() {
        int first = memory.segments().get(0).firstFrame();
        for (int i = 0; i < FRAMES; i++) {
            pages.add(new TestPage(first + i));
        }
        layer = new PmapLayer(machine, memory, mmu.mmu(), false);
        layer.setPages(frame -> frame >= first && frame < first + FRAMES ? pages.get(frame - first) : null);
        pmap = layer.create();
        pmap.enter(VA, Prot.WRITE, pages.get(0), Prot.RW, false);
        pmap.enter(2 * VA, Prot.READ, pages.get(1), Prot.RW, false);
        pmap.enter(3 * VA, Prot.READ, pages.get(2), Prot.READ, false);
    }

    @AfterEach
    void giveBack() {
        memory.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create",
                "removeAll",
                "removeWrite",
                "isModified",
                "clearModify",
                "isReferenced",
                "testAndClearReferenced",
                "isMapped",
                "wiredMappings",
                "enter",
                "enterQuick",
                "prefaultable",
                "remove",
                "removeUnwired",
                "protect",
                "changeWiring",
                "advise",
                "query",
                "residentCount",
                "wiredCount",
                "forEach"
            })
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

    /** A CPU that walks is in user mode, where nobody can change the MMU: the walk misses, and who handles the trap can. */
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
