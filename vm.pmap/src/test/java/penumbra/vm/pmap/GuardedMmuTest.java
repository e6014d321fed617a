// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import penumbra.hw.Mmu;
import penumbra.hw.MmuSpace;
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
    /** The method that fails; none while it is empty. */
    private String failing = "";

    private int calls;
    private PmapLayer layer;
    private Pmap pmap;

    @BeforeEach
    void boot() {
        int first = memory.segments().get(0).firstFrame();
        for (int i = 0; i < FRAMES; i++) {
            pages.add(new TestPage(first + i));
        }
        layer = new PmapLayer(machine, memory, breakable(Mmu.class, new Amd64Mmu()), false);
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

    private <T> T breakable(Class<T> type, T real) {
        Object proxy =
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    calls++;
                    if (method.getName().equals(failing)) {
                        throw new IllegalStateException("test: " + failing);
                    }
                    try {
                        Object result = method.invoke(real, arguments);
                        return result instanceof MmuSpace space ? breakable(MmuSpace.class, space) : result;
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                });
        return type.cast(proxy);
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
        failing = method;
        assertThatThrownBy(() -> call(method)).isInstanceOf(KernelPanic.class).hasMessageContaining("test: " + method);
        assertThat(machine.panic()).isNotNull();
        assertThat(pages.get(0).modified).isTrue();
        assertThat(pages.get(1).modified).isTrue();
        assertThat(pages.get(2).modified).isFalse();
        failing = "";
        calls = 0;
        assertThatThrownBy(() -> call(method)).isSameAs(machine.panic());
        assertThat(calls).as("calls of the parked MMU").isZero();
    }

    private void call(String method) {
        TestPage page = pages.get(0);
        switch (method) {
            case "create" -> layer.create();
            case "removeAll" -> layer.removeAll(page);
            case "removeWrite" -> layer.removeWrite(page);
            case "isModified" -> layer.isModified(page);
            case "clearModify" -> layer.clearModify(page);
            case "isReferenced" -> layer.isReferenced(page);
            case "testAndClearReferenced" -> layer.testAndClearReferenced(page);
            case "isMapped" -> layer.isMapped(page);
            case "wiredMappings" -> layer.wiredMappings(page);
            case "enter" -> pmap.enter(VA, Prot.READ, page, Prot.READ, false);
            case "enterQuick" -> pmap.enterQuick(VA, page, Prot.READ);
            case "prefaultable" -> pmap.prefaultable(VA);
            case "remove" -> pmap.remove(VA, 2 * VA);
            case "removeUnwired" -> pmap.removePages();
            case "protect" -> pmap.protect(VA, 2 * VA, Prot.READ);
            case "changeWiring" -> pmap.changeWiring(VA, true);
            case "advise" -> pmap.advise(VA, 2 * VA, true);
            case "query" -> pmap.extract(VA);
            case "residentCount" -> pmap.residentCount();
            case "wiredCount" -> pmap.wiredCount();
            default -> pmap.forEach((at, frame, prot, attributes) -> {});
        }
    }

    /** A CPU that walks is in user mode, where nobody can change the MMU: the walk misses, and who handles the trap can. */
    @Test
    void aWalkThatFailsMisses() {
        failing = "walk";
        assertThat(pmap.walk(VA, Prot.READ)).isEqualTo(TlbEntry.MISS);
        failing = "";
        assertThat(pmap.walk(VA, Prot.READ)).isEqualTo(TlbEntry.MISS);
        assertThatThrownBy(() -> pmap.extract(VA)).isInstanceOf(KernelPanic.class).hasMessageContaining("test: walk");
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
