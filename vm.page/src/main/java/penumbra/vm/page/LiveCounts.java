// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import penumbra.page.PageCounts;
import penumbra.page.PageLimits;
import penumbra.page.QueueId;

/** The counts as they are at the moment of each call. */
final class LiveCounts implements PageCounts {
    private final PageSystem system;
    private final FreeMemory memory;
    private final Shortage shortage;
    private final PageLimits limits;

    LiveCounts(PageSystem system, FreeMemory memory, Shortage shortage, PageLimits limits) {
        this.system = system;
        this.memory = memory;
        this.shortage = shortage;
        this.limits = limits;
    }

    @Override
    public int free() {
        return memory.free();
    }

    @Override
    public int cache() {
        return memory.cached();
    }

    @Override
    public int available() {
        return memory.available();
    }

    @Override
    public int active() {
        return system.queueOf(QueueId.ACTIVE).length();
    }

    @Override
    public int inactive() {
        return system.queueOf(QueueId.INACTIVE).length();
    }

    @Override
    public int wired() {
        return system.wired().get();
    }

    @Override
    public int deficit() {
        return shortage.deficit().get();
    }

    @Override
    public int takeDeficit() {
        return shortage.deficit().getAndSet(0);
    }

    @Override
    public boolean severe() {
        return memory.isBelow(limits.freeSevere());
    }

    @Override
    public boolean belowMin() {
        return memory.isBelow(limits.freeMin());
    }

    @Override
    public boolean belowTarget() {
        return memory.isBelow(limits.freeTarget());
    }

    @Override
    public boolean pagingNeeded() {
        return memory.isBelow(limits.wakeup());
    }

    @Override
    public long reactivated() {
        return memory.reactivated();
    }

    @Override
    public long freed() {
        return system.freedByOwnersEnd();
    }
}
