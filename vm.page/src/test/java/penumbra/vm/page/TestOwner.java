// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.page.Page;
import penumbra.page.PageOwner;
import penumbra.page.Pages;
import penumbra.page.ResidentPages;

/** An object of whatever kind a test wants, with the holds that the page layer takes. */
final class TestOwner implements PageOwner {
    final String name;
    final KernelLock lock;
    final ResidentPages pages;
    final AtomicInteger holds = new AtomicInteger();
    /** The pindexes that could be brought back; null for all. */
    Set<Long> backed = new HashSet<>();

    long size = 1L << 40;
    boolean fictitious;
    boolean unmanaged;
    boolean beyondEnd = true;
    int color = -1;
    int memattr;
    /** The end of a file's contents in bytes; none when negative. */
    long end = -1;

    int writeableDirty;

    TestOwner(Pages system, String name) {
        this.name = name;
        this.lock = new KernelLock(LockRank.OBJECT, name);
        this.pages = system.newResidentPages(this);
    }

    /** The page at {@code pindex}; the test fails when there is none. */
    Page page(long pindex) {
        Page page = pages.lookup(pindex);
        if (page == null) {
            throw new AssertionError(name + " has no page " + pindex);
        }
        return page;
    }

    @Override
    public KernelLock lock() {
        return lock;
    }

    @Override
    public ResidentPages pages() {
        return pages;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public boolean fictitious() {
        return fictitious;
    }

    @Override
    public boolean unmanaged() {
        return unmanaged;
    }

    @Override
    public boolean colored() {
        return color >= 0;
    }

    @Override
    public int color() {
        return color;
    }

    @Override
    public int memattr() {
        return memattr;
    }

    @Override
    public boolean mayReserveBeyondEnd() {
        return beyondEnd;
    }

    @Override
    public boolean hasBackingCopy(long pindex) {
        return backed == null || backed.contains(pindex);
    }

    @Override
    public boolean endsWithin(long pindex, int bytes) {
        return end >= 0 && (pindex << 12) + bytes >= end;
    }

    @Override
    public void holdBacking() {
        holds.incrementAndGet();
    }

    @Override
    public void dropBacking() {
        if (holds.decrementAndGet() < 0) {
            throw new KernelPanic("%s: dropped more often than held", name);
        }
    }

    @Override
    public void setWriteableDirty() {
        writeableDirty++;
    }

    @Override
    public String toString() {
        return name;
    }
}
