// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.SplittableRandom;
import penumbra.boot.Kernel;
import penumbra.hw.PageSize;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.page.Alloc;
import penumbra.page.Page;
import penumbra.pager.BackingStore;
import penumbra.pager.PagerFlags;
import penumbra.pager.PagerResult;

/**
 * An object whose pages are paged out and in cluster by cluster, with nothing else going on: what the swap pager itself
 * takes. Each page goes out of a frame and comes into one.
 */
final class SwapClusters {
    private static final int CLUSTER = BackingStore.MAX_RUN;

    private final Kernel kernel;
    private final VmObject object;
    private final Page[] run = new Page[CLUSTER];
    private final PageoutFlush result = new PageoutFlush();
    private final ByteBuffer noise = ByteBuffer.allocateDirect(PageSize.BYTES);

    /** An object of {@code pages} pages, none of them anywhere. */
    SwapClusters(Kernel kernel, int pages) {
        this.kernel = kernel;
        this.object = kernel.objects().allocate(ObjectType.DEFAULT, pages);
        byte[] bytes = new byte[PageSize.BYTES];
        new SplittableRandom(1).nextBytes(bytes);
        noise.put(bytes).flip();
    }

    VmObject object() {
        return object;
    }

    /** Pages {@code pages} pages out, one cluster after the other; returns the nanoseconds in the pager. */
    long outAll(int pages) {
        long nanos = 0;
        for (int page = 0; page < pages; page += CLUSTER) {
            nanos += out(page);
        }
        return nanos;
    }

    /** Pages the cluster from {@code first} on out; returns the nanoseconds in the pager. */
    long out(int first) {
        object.lock().lock();
        dirty(first);
        long start = System.nanoTime();
        kernel.objects().flush(object, run, CLUSTER, PagerFlags.PUT_SYNC, 0, result);
        long nanos = System.nanoTime() - start;
        free(first);
        object.lock().unlock();
        return nanos;
    }

    /**
     * Pages {@code [first, end)}, which memory has room for, out as the page daemon does, which waits for no cluster;
     * returns the nanoseconds until all are out.
     */
    long outAsDaemon(int first, int end) {
        object.lock().lock();
        for (int page = first; page < end; page += CLUSTER) {
            dirty(page);
        }
        kernel.pages().setDaemonThread(true);
        long start = System.nanoTime();
        for (int page = first; page < end; page += CLUSTER) {
            find(page);
            kernel.objects().flush(object, run, CLUSTER, 0, 0, result);
        }
        object.pipWait("bench");
        long nanos = System.nanoTime() - start;
        kernel.pages().setDaemonThread(false);
        for (int page = first; page < end; page += CLUSTER) {
            free(page);
        }
        object.lock().unlock();
        return nanos;
    }

    /** Pages the cluster from {@code first} on in, which is out; returns the nanoseconds in the pager. */
    long in(int first) {
        object.lock().lock();
        allocate(first);
        long start = System.nanoTime();
        PagerResult got = kernel.pagers().getPages(object, run, CLUSTER, 0);
        long nanos = System.nanoTime() - start;
        if (got != PagerResult.OK) {
            throw new IllegalStateException("page " + first + ": " + got);
        }
        free(first);
        object.lock().unlock();
        return nanos;
    }

    /** Pages {@code [first, end)}, which is out, in. */
    void inAll(int first, int end) {
        for (int page = first; page < end; page += CLUSTER) {
            in(page);
        }
    }

    /** Puts other contents into a cluster's pages. */
    private void dirty(int first) {
        allocate(first);
        for (Page each : run) {
            noise.putLong(0, each.pindex());
            kernel.memory().write(each.frame(), 0, noise, 0, PageSize.BYTES);
            each.setValid(Page.ALL);
            each.makeDirty();
            each.xunbusy();
        }
    }

    private void find(int first) {
        for (int i = 0; i < CLUSTER; i++) {
            run[i] = Objects.requireNonNull(object.pages().lookup(first + i));
        }
    }

    private void allocate(int first) {
        for (int i = 0; i < CLUSTER; i++) {
            run[i] = kernel.pages().grab(object, first + i, Alloc.NORMAL);
        }
    }

    /** Frees what is in memory of a cluster. */
    private void free(int first) {
        for (int i = 0; i < CLUSTER; i++) {
            Page page = object.pages().lookup(first + i);
            if (page != null) {
                kernel.pages().free(page);
            }
        }
    }
}
