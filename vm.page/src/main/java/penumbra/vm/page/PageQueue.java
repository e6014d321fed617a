// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.page.Page;
import penumbra.page.PageFlags;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;

/**
 * A paging queue: one list with its lock, and before its tail, batches of pages that are on their way there.
 *
 * <p>Pages enter and leave under their owner's lock. Each thread adds to a {@link PageBatch} of its own, as long as
 * there are not too many threads, so the pages that one thread adds keep their order. Everything that looks for the
 * tail pours the batches out first, so that to one thread the queue is a single list.
 *
 * <p>While a page's owner is locked, the page moves in one way only: from its batch to the list.
 */
final class PageQueue extends Apart implements PagingQueue {
    /** The most batches, and those of a machine with several CPUs: each queue has room for that many CPUs. */
    static final int MOST_BATCHES = 32;

    /**
     * How far apart the batches of two threads are that come one after the other. What they write then shares no cache
     * line, wherever the collector puts it: five threads' batches out of 32 are 6 apart or more.
     */
    private static final int STRIDE = 13;

    private static final VarHandle LISTED;

    static {
        try {
            LISTED = MethodHandles.lookup().findVarHandle(PageQueue.class, "listed", int.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private final PageSystem system;
    private final QueueId id;
    private final KernelLock lock;
    private final PageList pages = new PageList();
    private final PageBatch[] batches;
    private final AtomicInteger given = new AtomicInteger();

    /**
     * The index of each thread's batch. They are given out as threads come to this queue and not by the threads' ids, so
     * that a run that is repeated has the same batches. An index, as a batch would keep the machine alive as long as the
     * thread.
     */
    @SuppressWarnings("ThreadLocalUsage")
    private final ThreadLocal<Integer> mine = ThreadLocal.withInitial(this::nextBatch);

    /** The length of the list. */
    private int listed;

    /** An empty queue with {@code batches} batches, at most {@link #MOST_BATCHES}; with 1 it is in order for all threads. */
    PageQueue(PageSystem system, QueueId id, int batches) {
        this.system = system;
        this.id = id;
        this.lock = new KernelLock(LockRank.PAGE_QUEUE, "vm " + id + " page queue");
        this.batches = new PageBatch[batches];
        for (int i = 0; i < batches; i++) {
            this.batches[i] = new PageBatch(this, i + 1);
        }
    }

    private int nextBatch() {
        return Math.floorMod(given.getAndIncrement() * STRIDE, batches.length);
    }

    @Override
    public QueueId id() {
        return id;
    }

    @Override
    public int length() {
        int length = 0;
        for (PageBatch batch : batches) {
            length += batch.length();
        }
        // Last, so that pages that are poured out meanwhile may be counted twice, but are not missed.
        return length + (int) LISTED.getOpaque(this);
    }

    void addLast(VmPage page) {
        PageBatch batch = batches[mine.get()];
        if (!batch.tryAdd(page)) {
            // Two threads that run at the same time have it, so this one takes another, behind what it has put there.
            batch.empty();
            int next = nextBatch();
            mine.set(next);
            batches[next].add(page);
        }
    }

    void addFirst(VmPage page) {
        lock.lock();
        if (page.queued()) {
            throw new KernelPanic("vm_page_enqueue: %s is queued already", page);
        }
        page.enter(id, VmPage.NO_BATCH);
        pages.addFirst(page);
        LISTED.setOpaque(this, listed + 1);
        lock.unlock();
    }

    /** Appends the {@code count} pages of a batch, whose lock is held, to the list. */
    void append(PageList batch, int count) {
        lock.lock();
        for (VmPage page = batch.first(); page != null; page = page.queueNext) {
            page.enter(id, VmPage.NO_BATCH);
        }
        pages.appendAll(batch);
        LISTED.setOpaque(this, listed + count);
        lock.unlock();
    }

    private void emptyBatches() {
        for (PageBatch batch : batches) {
            batch.empty();
        }
    }

    void remove(VmPage page) {
        int batch = page.batch();
        if (batch == VmPage.NO_BATCH || !batches[batch - 1].remove(page)) {
            lock.lock();
            leave(page);
            lock.unlock();
        }
    }

    private void leave(VmPage page) {
        if (!page.isIn(id, VmPage.NO_BATCH)) {
            throw new KernelPanic("vm_page_dequeue: %s is not on %s", page, id);
        }
        pages.remove(page);
        page.leave();
        LISTED.setOpaque(this, listed - 1);
    }

    /** Takes those pages of an owner's list that are on this queue off it, {@code count} pages from {@code from} on. */
    void removeRun(VmPage from, int count) {
        if (!emptyBatchesOf(from, count)) {
            return;
        }
        lock.lock();
        @Nullable VmPage page = from;
        for (int i = 0; i < count && page != null; i++) {
            if (page.queue() == id) {
                leave(page);
            }
            page = page.listNext;
        }
        lock.unlock();
    }

    /** Pours out the batches that pages of a run are in; returns whether any page of it is on this queue. */
    private boolean emptyBatchesOf(VmPage from, int count) {
        boolean any = false;
        @Nullable VmPage page = from;
        for (int i = 0; i < count && page != null; i++) {
            if (page.queue() == id) {
                any = true;
                int batch = page.batch();
                if (batch != VmPage.NO_BATCH) {
                    batches[batch - 1].empty();
                }
            }
            page = page.listNext;
        }
        return any;
    }

    void moveToTail(VmPage page) {
        if (page.queue() != id) {
            throw new KernelPanic("vm_page_requeue: %s is not on %s", page, id);
        }
        remove(page);
        addLast(page);
    }

    /** The pages of the list, oldest first, and those of each batch, for the checker: nothing changes. */
    List<List<VmPage>> listed() {
        List<List<VmPage>> all = new ArrayList<>();
        lock.lock();
        all.add(pages.toList());
        lock.unlock();
        for (PageBatch batch : batches) {
            all.add(batch.listed());
        }
        return all;
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
            Page page = advance();
            if (page == null) {
                // Looks again even if all are empty: another scan may have poured them out after this one looked.
                emptyBatches();
                page = advance();
            }
            return page;
        }

        private @Nullable Page advance() {
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
