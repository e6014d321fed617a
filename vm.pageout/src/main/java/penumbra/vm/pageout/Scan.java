// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import org.jspecify.annotations.Nullable;
import penumbra.hw.PmapSystem;
import penumbra.kern.Counter;
import penumbra.kern.KernelPanic;
import penumbra.object.VmObject;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.page.PageFlags;
import penumbra.page.PageLimits;
import penumbra.page.PageOwner;
import penumbra.page.Pages;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;
import penumbra.policy.PageoutPass;

/** One pass of the daemon over the queues, with the tools that a policy works with. One thread uses it. */
final class Scan implements PageoutPass {
    private final Pages pages;
    private final PmapSystem pmaps;
    private final Launder launder;
    private final Counter scanned;
    private final Counter laundered;
    private final int number;
    private final int deficit;
    private final int shortage;
    private PagingQueue.@Nullable Cursor cursor;
    private @Nullable VmObject owner;
    private int got;
    private boolean metWrites;

    Scan(Pages pages, PmapSystem pmaps, Launder launder, Counter scanned, Counter laundered, int number) {
        this.pages = pages;
        this.pmaps = pmaps;
        this.launder = launder;
        this.scanned = scanned;
        this.laundered = laundered;
        this.number = number;
        if (number > 0) {
            deficit = pages.counts().takeDeficit();
            shortage = pages.limits().freeTarget() - pages.counts().available() + deficit;
        } else {
            deficit = 0;
            shortage = 0;
        }
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public int shortage() {
        return shortage;
    }

    @Override
    public int deficit() {
        return deficit;
    }

    @Override
    public PageCounts counts() {
        return pages.counts();
    }

    @Override
    public PageLimits limits() {
        return pages.limits();
    }

    @Override
    public PagingQueue active() {
        return pages.queue(QueueId.ACTIVE);
    }

    @Override
    public PagingQueue inactive() {
        return pages.queue(QueueId.INACTIVE);
    }

    @Override
    public boolean tryOwn(PagingQueue.Cursor place, Page page) {
        if (owner != null) {
            throw new KernelPanic("tryOwn: object %d is still owned", owner.id());
        }
        scanned.increment();
        @Nullable PageOwner candidate = page.owner();
        if (!(candidate instanceof VmObject object) || !object.lock().tryLock()) {
            return false;
        }
        if (page.owner() != object || !place.stillHere()) {
            object.lock().unlock();
            return false;
        }
        owner = object;
        cursor = place;
        metWrites |= page.sharedBusy() > 0;
        return true;
    }

    @Override
    public void disown(Page page) {
        VmObject object = owned(page);
        owner = null;
        object.lock().unlock();
    }

    /** The owner that the policy holds; the page itself may have been freed meanwhile. */
    private VmObject owned(Page page) {
        if (owner == null) {
            throw new KernelPanic("pageout: page of frame %d is not owned by the scan", page.frame());
        }
        return owner;
    }

    @Override
    public int takeReferences(Page page) {
        VmObject object = owned(page);
        int references = 0;
        if ((page.aflags() & PageFlags.A_REFERENCED) != 0) {
            page.clearAflags(PageFlags.A_REFERENCED);
            references = 1;
        }
        return object.refCount() == 0 ? references : references + pmaps.testAndClearReferenced(page);
    }

    @Override
    public boolean referenced(Page page) {
        return owned(page).refCount() != 0;
    }

    @Override
    public void removeMappings(Page page) {
        owned(page);
        pmaps.removeAll(page);
    }

    @Override
    public void free(Page page) {
        owned(page);
        pages.free(page);
        got++;
    }

    @Override
    public void cache(Page page) {
        owned(page);
        pages.cache(page);
        got++;
    }

    @Override
    public int launder(Page page) {
        VmObject object = owned(page);
        PagingQueue.Cursor place = java.util.Objects.requireNonNull(cursor);
        owner = null;
        int written = launder.clean(object, page, place);
        laundered.add(written);
        got += written;
        return written;
    }

    /** Pages that this pass has freed, cached or begun to write. */
    int got() {
        return got;
    }

    /** Whether it came across pages that are being written, and will soon be clean. */
    boolean metWrites() {
        return metWrites;
    }

    /** Lets go of what a policy that threw was holding. */
    void abandon() {
        @Nullable VmObject object = owner;
        owner = null;
        if (object != null && object.lock().isHeld()) {
            object.lock().unlock();
        }
    }
}
