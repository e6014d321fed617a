// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/**
 * Pages on their way to the tail of a paging queue: those that a thread has put there lately
 * ({@code struct vm_batchqueue} of FreeBSD 12).
 *
 * <p>Goal: threads whose pages have nothing in common meet at the queue's list and lock once for {@link #SIZE} pages,
 * not for each. Roles: a thread adds its pages to one batch, whoever owns a page takes it out of whichever batch it is
 * in, and a batch that is full, or that a scan has come to, is poured out into the list. Lock order: the batch, then
 * the queue's list, never another batch.
 */
final class PageBatch extends Apart {
    /** How many pages make a batch full: {@code VM_BATCHQUEUE_SIZE} of FreeBSD 12 on amd64. */
    static final int SIZE = 31;

    private static final VarHandle LENGTH;

    static {
        try {
            LENGTH = MethodHandles.lookup().findVarHandle(PageBatch.class, "length", int.class);
        } catch (ReflectiveOperationException wrongField) {
            throw new ExceptionInInitializerError(wrongField);
        }
    }

    private final PageQueue queue;
    private final int number;
    private final KernelLock lock;
    private final PageList pages = new PageList();
    private int length;

    /** Batch {@code number} of a queue, counted from 1. */
    PageBatch(PageQueue queue, int number) {
        this.queue = queue;
        this.number = number;
        this.lock = new KernelLock(LockRank.PAGE_BATCH, "vm " + queue.id() + " page batch");
    }

    /** How many pages are in the batch; exact for who keeps others from changing it. */
    int length() {
        return (int) LENGTH.getAcquire(this);
    }

    /** Adds a page that is on no queue. */
    void add(VmPage page) {
        lock.lock();
        append(page);
        lock.unlock();
    }

    /** Adds a page that is on no queue, unless another thread is at the batch; returns whether it did. */
    boolean tryAdd(VmPage page) {
        boolean added = lock.tryLock();
        if (added) {
            append(page);
            lock.unlock();
        }
        return added;
    }

    private void append(VmPage page) {
        if (page.queued()) {
            throw new KernelPanic("vm_page_enqueue: %s is queued already", page);
        }
        page.enter(queue.id(), number);
        pages.addLast(page);
        LENGTH.setOpaque(this, length + 1);
        if (length >= SIZE) {
            pour();
        }
    }

    /** Takes a page off the queue, unless it is no longer in this batch; returns whether it was. */
    boolean remove(VmPage page) {
        lock.lock();
        boolean here = page.isIn(queue.id(), number);
        if (here) {
            pages.remove(page);
            page.leave();
            LENGTH.setOpaque(this, length - 1);
        }
        lock.unlock();
        return here;
    }

    /** Moves all pages to the tail of the queue's list, or waits until whoever is doing so has done it. */
    void empty() {
        if (length() == 0) {
            return;
        }
        lock.lock();
        pour();
        lock.unlock();
    }

    private void pour() {
        queue.append(pages, length);
        LENGTH.setRelease(this, 0);
    }

    /** The pages, oldest first, for the checker. */
    List<VmPage> listed() {
        lock.lock();
        List<VmPage> all = pages.toList();
        lock.unlock();
        return all;
    }
}
