// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.hw.TrapHandler;
import penumbra.kern.Execution;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;

/**
 * A machine whose sleepers a {@link Schedule} wakes and whose traps it may interrupt. It says that it runs in steps
 * while it is wired, so that no subsystem starts threads of its own, and that it has threads afterwards.
 */
final class ScheduledMachine extends MachineInFront {
    private final Schedule schedule;

    ScheduledMachine(Machine real, Schedule schedule) {
        super(real);
        this.schedule = schedule;
    }

    @Override
    public Execution execution() {
        return schedule.isBooted() ? Execution.THREADED : Execution.STEPPED;
    }

    @Override
    public SleepQueue sleepQueue() {
        return schedule.sleepQueue();
    }

    @Override
    public void setTrapHandler(@Nullable TrapHandler handler) {
        super.setTrapHandler(
                handler == null
                        ? null
                        : (cpu, address, access) -> schedule.disturbed(() -> handler.pageFault(cpu, address, access)));
    }

    @Override
    public void stopped(Runnable action) {
        schedule.undisturbed(() -> {
            super.stopped(action);
            return true;
        });
    }

    @Override
    public void halt(KernelPanic panic) {
        super.halt(panic);
        schedule.halt(panic);
    }
}
