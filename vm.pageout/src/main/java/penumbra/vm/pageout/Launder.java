// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pageout;

import org.jspecify.annotations.Nullable;
import penumbra.object.ObjectFlags;
import penumbra.object.ObjectType;
import penumbra.object.PageoutFlush;
import penumbra.object.VmObject;
import penumbra.object.VmObjects;
import penumbra.page.Page;
import penumbra.page.PagingQueue;
import penumbra.page.QueueId;
import penumbra.pager.SwapSpace;
import penumbra.vnode.Vnode;

/**
 * The writing of dirty inactive pages: gathers a cluster around one page and hands it to the pager.
 *
 * <p>Lock order: a file's vnode comes before its object, so for file pages the object is let go, referenced, and
 * everything about the page is checked again. One thread at a time uses it.
 */
final class Launder {
    private final VmObjects objects;
    private final SwapSpace swap;
    private final int clusterPages;
    private final Page[] cluster;
    private final PageoutFlush result = new PageoutFlush();

    /** @param clusterPages pages in the largest cluster */
    Launder(VmObjects objects, SwapSpace swap, int clusterPages) {
        this.objects = objects;
        this.swap = swap;
        this.clusterPages = clusterPages;
        this.cluster = new Page[2 * clusterPages];
    }

    /**
     * Writes {@code page} and its dirty inactive neighbours. The object is locked on entry and unlocked on return.
     *
     * @param cursor stands behind the page
     * @return how many pages are being written
     */
    int clean(VmObject object, Page page, PagingQueue.Cursor cursor) {
        if (object.has(ObjectFlags.DEAD) || hasNoSwap(object)) {
            page.requeue();
            object.lock().unlock();
            return 0;
        }
        if (isKeptByOneAway(object)) {
            // As after a failed page-out, so that it does not clog the inactive queue.
            page.activate();
            object.lock().unlock();
            return 0;
        }
        if (object.type() == ObjectType.VNODE && object.handle() instanceof Vnode vnode) {
            return cleanFile(object, vnode, page, cursor);
        }
        int written = flushCluster(object, page);
        object.lock().unlock();
        return written;
    }

    /** Whether there is nowhere to write to, and nothing to come. */
    private boolean hasNoSwap(VmObject object) {
        return object.type().anonymous() && !swap.present() && !swap.awaitsReturn();
    }

    /** Whether the file system or the stores have left: the daemon waits for nobody, so the pages stay dirty. */
    private boolean isKeptByOneAway(VmObject object) {
        return object.type() == ObjectType.VNODE && object.handle() instanceof Vnode vnode
                ? vnode.away()
                : object.type().anonymous() && !swap.present();
    }

    private int cleanFile(VmObject object, Vnode vnode, Page page, PagingQueue.Cursor cursor) {
        object.referenceLocked();
        object.lock().unlock();
        int written = 0;
        if (vnode.lock().tryLock()) {
            vnode.reference();
            object.lock().lock();
            if (page.owner() == object && cursor.stillHere() && !page.busied() && page.holdCount() == 0) {
                written = flushCluster(object, page);
            }
            object.lock().unlock();
            vnode.put();
        }
        object.deallocate();
        return written;
    }

    /**
     * Gathers backwards to an aligned multiple of the cluster, then forwards, then backwards again, as far as pages are
     * dirty, inactive and in nobody's way, and flushes ({@code vm_pageout_clean}).
     */
    private int flushCluster(VmObject object, Page page) {
        int base = clusterPages;
        int count = 1;
        cluster[base] = page;
        boolean aligned;
        do {
            aligned = false;
            while (count < clusterPages && !aligned) {
                @Nullable Page before = joinable(object.pages().previous(cluster[base]));
                if (before == null) {
                    break;
                }
                cluster[--base] = before;
                count++;
                aligned = before.pindex() % clusterPages == 0;
            }
            while (count < clusterPages) {
                @Nullable Page after = joinable(object.pages().next(cluster[base + count - 1]));
                if (after == null) {
                    break;
                }
                cluster[base + count++] = after;
            }
        } while (aligned && count < clusterPages);
        System.arraycopy(cluster, base, cluster, 0, count);
        objects.flush(object, cluster, count, 0, 0, result);
        return result.written();
    }

    private static @Nullable Page joinable(@Nullable Page page) {
        if (page == null || page.busied()) {
            return null;
        }
        page.testDirty();
        return page.dirty() != 0 && page.queue() == QueueId.INACTIVE && page.holdCount() == 0 ? page : null;
    }
}
