// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import penumbra.hw.Mmu;
import penumbra.hw.MmuSpace;

/** An MMU that is not disturbed while it makes a space, which it may do under a lock that no {@link Schedule} sees. */
final class ScheduledMmu extends MmuInFront {
    private final Schedule schedule;

    ScheduledMmu(Mmu real, Schedule schedule) {
        super(real);
        this.schedule = schedule;
    }

    @Override
    public MmuSpace create(int asid) {
        return schedule.undisturbed(() -> super.create(asid));
    }
}
