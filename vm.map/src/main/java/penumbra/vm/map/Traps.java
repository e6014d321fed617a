// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.TrapHandler;
import penumbra.kern.KernReturn;

/** Which process each CPU runs, and what happens when one of them faults. */
final class Traps implements TrapHandler {
    private final AtomicReferenceArray<@Nullable Proc> running;
    private final Fault[] faults;

    Traps(Layers layers) {
        int cpus = layers.machine().cpus().size();
        running = new AtomicReferenceArray<>(cpus);
        faults = new Fault[cpus];
        for (int i = 0; i < cpus; i++) {
            faults[i] = new Fault(layers);
        }
    }

    /** The process that {@code cpu} runs. */
    @Nullable
    Proc running(Cpu cpu) {
        return running.get(cpu.number());
    }

    void setRunning(Cpu cpu, @Nullable Proc process) {
        running.set(cpu.number(), process);
    }

    @Override
    public KernReturn pageFault(Cpu cpu, long address, int access) {
        Proc process = running.get(cpu.number());
        if (process == null) {
            return KernReturn.INVALID_ADDRESS;
        }
        return faults[cpu.number()].resolve(process.space(), process, address, access, 0);
    }
}
