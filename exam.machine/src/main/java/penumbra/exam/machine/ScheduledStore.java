// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.pager.BackingStore;
import penumbra.pager.ForwardingStore;

/** A store during whose transfers others may go on. */
final class ScheduledStore extends ForwardingStore<BackingStore> {
    private final Schedule schedule;

    ScheduledStore(BackingStore real, Schedule schedule) {
        super(real);
        this.schedule = schedule;
    }

    @Override
    public void read(long slot, ByteBuffer to) throws IOException {
        schedule.point();
        super.read(slot, to);
        schedule.point();
    }

    @Override
    public void write(long slot, ByteBuffer from) throws IOException {
        schedule.point();
        super.write(slot, from);
        schedule.point();
    }
}
