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

/**
 * A machine whose sleepers a {@link Schedule} wakes and whose traps it may interrupt. It says that it runs in steps while it
 * is wired, so that no subsystem starts threads of its own, and that it has threads afterwards.
 */
final class ScheduledMachine implements Machine {
    private final Machine real;
    private final Schedule schedule;
    private volatile boolean booted;

    ScheduledMachine(Machine real, Schedule schedule) {
        this.real = real;
        this.schedule = schedule;
    }

    void booted() {
        booted = true;
    }

    @Override
    public Execution execution() {
        return booted ? Execution.THREADED : Execution.STEPPED;
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
    public SleepQueue sleepQueue() {
        return schedule.sleepQueue();
    }

    @Override
    public VirtualClock clock() {
        return real.clock();
    }

    @Override
    public void setTrapHandler(@Nullable TrapHandler handler) {
        real.setTrapHandler(
                handler == null
                        ? null
                        : (cpu, address, access) -> schedule.disturbed(() -> handler.pageFault(cpu, address, access)));
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
    public void stopped(Runnable action) {
        schedule.undisturbed(() -> {
            real.stopped(action);
            return true;
        });
    }

    @Override
    public void halt(KernelPanic panic) {
        real.halt(panic);
        schedule.halt(panic);
    }

    @Override
    public @Nullable KernelPanic panic() {
        return real.panic();
    }
}
