// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.hw.Machine;
import penumbra.kern.KernReturn;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.VmObject;
import penumbra.page.Advice;
import penumbra.page.Pages;
import penumbra.page.ResidentPages;
import penumbra.pager.PageRun;
import penumbra.pager.Pagers;

/** An object that has pages, a type and paging in progress, and nothing else that an object has. */
final class TestObject implements VmObject {
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "test object");
    private final Machine machine;
    private final Pagers pagers;
    private final Pages pages;
    private final ResidentPages resident;
    private final long id;
    private ObjectType type;
    private long size;
    private int flags;
    private int references = 1;
    private int paging;
    private @Nullable Object handle;
    private @Nullable Object pagerState;
    private @Nullable Object tmpfsNode;
    private @Nullable Cred cred;
    private long charge;

    TestObject(Machine machine, Pages pages, Pagers pagers, long id, ObjectType type, long size) {
        this.machine = machine;
        this.pages = pages;
        this.pagers = pagers;
        this.resident = pages.newResidentPages(this);
        this.id = id;
        this.type = type;
        this.size = size;
    }

    @Override
    public KernelLock lock() {
        return lock;
    }

    @Override
    public ResidentPages pages() {
        return resident;
    }

    @Override
    public long size() {
        return size;
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
        return true;
    }

    @Override
    public boolean hasBackingCopy(long pindex) {
        return type == ObjectType.SWAP && PageRun.present(pagers.hasPage(this, pindex));
    }

    @Override
    public void holdBacking() {}

    @Override
    public void dropBacking() {}

    @Override
    public void setWriteableDirty() {}

    @Override
    public long id() {
        return id;
    }

    @Override
    public ObjectType type() {
        return type;
    }

    @Override
    public void setType(ObjectType type) {
        lock.assertHeld();
        this.type = type;
    }

    @Override
    public int flags() {
        return flags;
    }

    @Override
    public void setFlag(int bits) {
        flags |= bits;
    }

    @Override
    public void clearFlag(int bits) {
        flags &= ~bits;
    }

    @Override
    public void setSize(long pages) {
        size = pages;
    }

    @Override
    public int refCount() {
        return references;
    }

    @Override
    public int shadowCount() {
        return 0;
    }

    @Override
    public @Nullable VmObject backing() {
        return null;
    }

    @Override
    public long backingOffset() {
        return 0;
    }

    @Override
    public @Nullable VmObject firstShadow() {
        return null;
    }

    @Override
    public @Nullable VmObject nextSibling() {
        return null;
    }

    @Override
    public int generation() {
        return 1;
    }

    @Override
    public int pagingInProgress() {
        return paging;
    }

    @Override
    public @Nullable Cred cred() {
        return cred;
    }

    @Override
    public long charge() {
        return charge;
    }

    @Override
    public void setCharge(@Nullable Cred payer, long bytes) {
        cred = payer;
        charge = bytes;
    }

    @Override
    public @Nullable Object handle() {
        return handle;
    }

    @Override
    public void setHandle(@Nullable Object handle) {
        this.handle = handle;
    }

    @Override
    public @Nullable Object pagerState() {
        return pagerState;
    }

    @Override
    public void setPagerState(@Nullable Object state) {
        pagerState = state;
    }

    @Override
    public @Nullable Object tmpfsNode() {
        return tmpfsNode;
    }

    @Override
    public void setTmpfsNode(@Nullable Object node) {
        tmpfsNode = node;
    }

    @Override
    public void setColor(int color) {}

    @Override
    public void reference() {
        lock.lock();
        references++;
        lock.unlock();
    }

    @Override
    public void referenceLocked() {
        references++;
    }

    @Override
    public void deallocate() {
        lock.lock();
        if (--references == 0) {
            terminate();
        } else {
            lock.unlock();
        }
    }

    @Override
    public void terminate() {
        setFlag(ObjectFlags.DEAD);
        pipWait("objtrm");
        pages.freeAll(this);
        pages.cacheFree(this, 0, 0);
        pagers.deallocate(this);
        lock.unlock();
    }

    @Override
    public void pipAdd(int n) {
        lock.assertHeld();
        paging += n;
    }

    @Override
    public void pipSubtract(int n) {
        pipAdd(-n);
    }

    @Override
    public void pipWakeup(int n) {
        pipAdd(-n);
        if (paging == 0) {
            machine.sleepQueue().wakeup(this);
        }
    }

    @Override
    public void pipWait(String waitMessage) {
        while (paging > 0) {
            machine.sleepQueue().sleep(this, lock, waitMessage);
        }
    }

    @Override
    public boolean pageClean(long start, long end, int flags) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean sync(long offset, long length, boolean syncIo, boolean invalidate) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void madvise(long start, long end, Advice advice) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void pageRemove(long start, long end, int options) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void pageCache(long start, long end) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean populate(long start, long end) {
        throw new UnsupportedOperationException();
    }

    @Override
    public KernReturn setMemattr(int memattr) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void collapse() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean coalesce(long prevOffset, long prevSize, long nextSize, boolean reserved) {
        throw new UnsupportedOperationException();
    }
}
