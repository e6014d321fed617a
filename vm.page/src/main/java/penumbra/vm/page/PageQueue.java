// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/** A paging queue with its lock; pages enter and leave it under their owner's lock. */
final class PageQueue implements PagingQueue {
    private static final VarHandle LENGTH;

    static {
        try {
            LENGTH = MethodHandles.lookup().findVarHandle(PageQueue.class, "length", int.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private final PageSystem system;
    private final QueueId id;
    private final KernelLock lock;
    private final PageList pages = new PageList();
    private int length;

    PageQueue(PageSystem system, QueueId id) {
        this.system = system;
        this.id = id;
        this.lock = new KernelLock(LockRank.PAGE_QUEUE, "vm " + id + " page queue");
    }

    @Override
    public QueueId id() {
        return id;
    }

    @Override
    public int length() {
        return (int) LENGTH.getOpaque(this);
    }

    void addLast(VmPage page) {
        lock.lock();
        enter(page);
        pages.addLast(page);
        lock.unlock();
    }

    void addFirst(VmPage page) {
        lock.lock();
        enter(page);
        pages.addFirst(page);
        lock.unlock();
    }

    private void enter(VmPage page) {
        if (page.queue != QueueId.NONE.ordinal()) {
            throw new KernelPanic("vm_page_enqueue: %s is queued already", page);
        }
        page.queue = (byte) id.ordinal();
        LENGTH.setOpaque(this, length + 1);
    }

    void remove(VmPage page) {
        lock.lock();
        leave(page);
        lock.unlock();
    }

    private void leave(VmPage page) {
        if (page.queue != id.ordinal()) {
            throw new KernelPanic("vm_page_dequeue: %s is not on %s", page, id);
        }
        pages.remove(page);
        page.queue = (byte) QueueId.NONE.ordinal();
        LENGTH.setOpaque(this, length - 1);
    }

    /** Takes those pages of an owner's list that are on this queue off it, {@code count} pages from {@code from} on. */
    void removeRun(VmPage from, int count) {
        lock.lock();
        @Nullable VmPage page = from;
        for (int i = 0; i < count && page != null; i++) {
            if (page.queue == id.ordinal()) {
                leave(page);
            }
            page = page.listNext;
        }
        lock.unlock();
    }

    void moveToTail(VmPage page) {
        lock.lock();
        if (page.queue != id.ordinal()) {
            throw new KernelPanic("vm_page_requeue: %s is not on %s", page, id);
        }
        pages.remove(page);
        pages.addLast(page);
        lock.unlock();
    }

    @Override
    public Cursor scan() {
        return new Marker();
    }

    /** A cursor: a page that is none, linked right behind the page that was returned last. */
    private final class Marker implements Cursor {
        private final VmPage marker = new VmPage(system, 0, 0);
        private @Nullable VmPage returned;
        private boolean open = true;

        Marker() {
            marker.setFlags(PageFlags.MARKER);
            lock.lock();
            pages.addFirst(marker);
            lock.unlock();
        }

        @Override
        public @Nullable Page next() {
            lock.lock();
            VmPage page = marker.queueNext;
            while (page != null && page.has(PageFlags.MARKER)) {
                page = page.queueNext;
            }
            if (page != null) {
                pages.remove(marker);
                pages.insertAfter(page, marker);
            }
            returned = page;
            lock.unlock();
            return page;
        }

        @Override
        public boolean stillHere() {
            lock.lock();
            VmPage before = marker.queuePrevious;
            while (before != null && before.has(PageFlags.MARKER)) {
                before = before.queuePrevious;
            }
            boolean here = before != null && before == returned;
            lock.unlock();
            return here;
        }

        @Override
        public void close() {
            lock.lock();
            if (open) {
                open = false;
                pages.remove(marker);
            }
            lock.unlock();
        }
    }
}
