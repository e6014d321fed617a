// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import penumbra.hw.Cpu;
import penumbra.hw.Device;
import penumbra.hw.Machine;
import penumbra.hw.TrapHandler;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.VirtualClock;

/** A machine in front of another, which does what that one does; whoever extends it changes some of it. */
class MachineInFront implements Machine {
    private final Machine real;

    MachineInFront(Machine real) {
        this.real = real;
    }

    @Override
    public Execution execution() {
        return real.execution();
    }

    @Override
    public SleepQueue sleepQueue() {
        return real.sleepQueue();
    }

    @Override
    public void setTrapHandler(@Nullable TrapHandler handler) {
        real.setTrapHandler(handler);
    }

    @Override
    public void stopped(Runnable action) {
        real.stopped(action);
    }

    @Override
    public void halt(KernelPanic panic) {
        real.halt(panic);
    }

    @Override
    public Fidelity fidelity() {
        return real.fidelity();
    }

    @Override
    public List<Cpu> cpus() {
        return real.cpus();
    }

    @Override
    public List<Device> devices() {
        return real.devices();
    }

    @Override
    public VirtualClock clock() {
        return real.clock();
    }

    @Override
    public void invalidatePage(int asid, long page) {
        real.invalidatePage(asid, page);
    }

    @Override
    public void invalidateRange(int asid, long start, long end) {
        real.invalidateRange(asid, start, end);
    }

    @Override
    public void invalidateSpace(int asid) {
        real.invalidateSpace(asid);
    }

    @Override
    public void invalidateAll() {
        real.invalidateAll();
    }

    @Override
    public @Nullable KernelPanic panic() {
        return real.panic();
    }
}
