// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.concurrent.atomic.AtomicInteger;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.page.PageOwner;

/** An owner of pages that have a copy elsewhere, and the holds on where that is. */
final class OwnerOfPages implements PageOwner {
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "owner");
    final AtomicInteger holds = new AtomicInteger();
    final ResidentSet pages;

    OwnerOfPages(KernelLock freeLock) {
        pages = new ResidentSet(this, freeLock);
    }

    @Override
    public KernelLock lock() {
        return lock;
    }

    @Override
    public ResidentSet pages() {
        return pages;
    }

    @Override
    public long size() {
        return Long.MAX_VALUE;
    }

    @Override
    public boolean fictitious() {
        return false;
    }

    @Override
    public boolean unmanaged() {
        return false;
    }

    @Override
    public boolean colored() {
        return false;
    }

    @Override
    public int color() {
        return 0;
    }

    @Override
    public int memattr() {
        return 0;
    }

    @Override
    public boolean mayReserveBeyondEnd() {
        return false;
    }

    @Override
    public boolean hasBackingCopy(long pindex) {
        return true;
    }

    @Override
    public void holdBacking() {
        holds.incrementAndGet();
    }

    @Override
    public void dropBacking() {
        holds.decrementAndGet();
    }

    @Override
    public void setWriteableDirty() {
        // Nobody asks.
    }
}
