// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.ArrayList;
import java.util.List;
import penumbra.hw.Mmu;
import penumbra.hw.memory.FrameMemory;
import penumbra.hw.memory.MemoryLayout;
import penumbra.hw.sim.MachineSettings;
import penumbra.hw.sim.SimMachine;
import penumbra.kern.Fidelity;

/** A machine with one CPU and a page for each frame of its general memory. */
final class TestMachine implements AutoCloseable {
    final FrameMemory memory;
    final SimMachine machine;
    final List<TestPage> pages = new ArrayList<>();
    private final int first;

    TestMachine(MemoryLayout layout) {
        memory = new FrameMemory(layout);
        machine = new SimMachine(memory, MachineSettings.stepped(Fidelity.CORRECTED));
        first = memory.segments().get(0).firstFrame();
        for (int i = 0; i < memory.segments().get(0).frames(); i++) {
            pages.add(new TestPage(first + i));
        }
    }

    TestMachine(int frames) {
        this(MemoryLayout.ofFrames(frames));
    }

    /** A pmap layer over {@code mmu} that knows the pages. */
    PmapLayer layer(Mmu mmu, boolean optimised) {
        PmapLayer layer = new PmapLayer(machine, memory, mmu, optimised);
        layer.setPages(frame -> frame >= first && frame < first + pages.size() ? pages.get(frame - first) : null);
        return layer;
    }

    @Override
    public void close() {
        memory.close();
    }
}
