// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.List;
import penumbra.hw.Cpu;
import penumbra.hw.Machine;
import penumbra.hw.TrapHandler;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.SteppedSleepQueue;
import penumbra.kern.ThreadSleepQueue;
import penumbra.kern.VirtualClock;

/** A machine without CPUs, for what the page layer needs of one: somewhere to sleep. */
final class TestMachine implements Machine {
    private final Execution execution;
    private final Fidelity fidelity;
    private final SleepQueue sleepQueue;
    private final VirtualClock clock = new VirtualClock();

    TestMachine(Execution execution, Fidelity fidelity) {
        this.execution = execution;
        this.fidelity = fidelity;
        this.sleepQueue = execution == Execution.STEPPED ? new SteppedSleepQueue() : new ThreadSleepQueue();
    }

    @Override
    public Execution execution() {
        return execution;
    }

    @Override
    public Fidelity fidelity() {
        return fidelity;
    }

    @Override
    public List<Cpu> cpus() {
        return List.of();
    }

    @Override
    public SleepQueue sleepQueue() {
        return sleepQueue;
    }

    @Override
    public VirtualClock clock() {
        return clock;
    }

    @Override
    public void setTrapHandler(TrapHandler handler) {
        throw new UnsupportedOperationException("no CPU traps");
    }

    @Override
    public void invalidatePage(int asid, long page) {}

    @Override
    public void invalidateRange(int asid, long start, long end) {}

    @Override
    public void invalidateSpace(int asid) {}

    @Override
    public void invalidateAll() {}

    @Override
    public void stopped(Runnable action) {
        action.run();
    }

    @Override
    public void halt(KernelPanic panic) {
        throw panic;
    }

    @Override
    public KernelPanic panic() {
        return null;
    }
}
