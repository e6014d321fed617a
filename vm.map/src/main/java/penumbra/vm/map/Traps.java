// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.TrapHandler;
import penumbra.kern.Apart;
import penumbra.kern.KernReturn;
import penumbra.kern.Stripes;

/** Which process each CPU runs, and what happens when one of them faults. */
final class Traps implements TrapHandler {
    /** Elements that stay empty: all CPUs read the array, and one of them may write what lies before it. */
    private static final int ROOM = Stripes.DISTANCE / Integer.BYTES;

    private final Seat[] seats;

    /** What belongs to one CPU. */
    private static final class Seat extends Apart {
        final Fault fault;
        volatile @Nullable Proc running;

        Seat(Fault fault) {
            this.fault = fault;
        }
    }

    Traps(Layers layers) {
        int cpus = layers.machine().cpus().size();
        seats = new Seat[ROOM + cpus];
        for (int i = 0; i < cpus; i++) {
            seats[ROOM + i] = new Seat(new Fault(layers));
        }
    }

    private Seat seat(Cpu cpu) {
        return seats[ROOM + cpu.number()];
    }

    /** The process that {@code cpu} runs. */
    @Nullable
    Proc running(Cpu cpu) {
        return seat(cpu).running;
    }

    void setRunning(Cpu cpu, @Nullable Proc process) {
        seat(cpu).running = process;
    }

    @Override
    public KernReturn pageFault(Cpu cpu, long address, int access) {
        Seat seat = seat(cpu);
        Proc process = seat.running;
        if (process == null) {
            return KernReturn.INVALID_ADDRESS;
        }
        return seat.fault.resolve(process.space(), process, address, access, 0);
    }
}
