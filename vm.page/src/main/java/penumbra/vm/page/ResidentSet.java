// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jspecify.annotations.Nullable;
import penumbra.kern.Apart;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.page.Page;
import penumbra.page.PageOwner;
import penumbra.page.ResidentPages;

/**
 * One owner's pages: those in memory, by trie and by list, those cached, and its reservations.
 *
 * <p>The owner's lock guards trie and list. The cached pages are guarded by the free list lock; adding one takes the
 * owner's lock besides, so that an owner that is locked and has none gets none. The reservations are guarded by the
 * free list lock.
 */
final class ResidentSet extends Apart implements ResidentPages {
    private final PageOwner owner;
    private final KernelLock freeLock;
    private final RadixTrie trie = new RadixTrie();
    private @Nullable VmPage first;
    private @Nullable VmPage last;
    private int count;

    /** The cached pages; free list lock. */
    final RadixTrie cached = new RadixTrie();

    /** The first of the owner's reservations; free list lock. */
    @Nullable
    Reservation reservations;

    ResidentSet(PageOwner owner, KernelLock freeLock) {
        this.owner = owner;
        this.freeLock = freeLock;
    }

    /** The pages of {@code owner}. */
    static ResidentSet of(PageOwner owner) {
        return (ResidentSet) owner.pages();
    }

    PageOwner owner() {
        return owner;
    }

    @Nullable
    VmPage firstPage() {
        return first;
    }

    /** The resident page with the greatest pindex of at most {@code pindex}. */
    @Nullable
    VmPage predecessor(long pindex) {
        VmPage tail = last;
        if (tail == null || tail.pindex <= pindex) {
            return tail;
        }
        return trie.lookupLe(pindex);
    }

    /** The resident page at {@code pindex}, whoever asks. */
    @Nullable
    VmPage find(long pindex) {
        return trie.lookup(pindex);
    }

    /** Puts {@code page} in at its pindex, behind {@code predecessor}. */
    void add(VmPage page, @Nullable VmPage predecessor) {
        trie.insert(page);
        VmPage next = predecessor == null ? first : predecessor.listNext;
        page.listPrevious = predecessor;
        page.listNext = next;
        if (predecessor == null) {
            first = page;
        } else {
            predecessor.listNext = page;
        }
        if (next == null) {
            last = page;
        } else {
            next.listPrevious = page;
        }
        count++;
    }

    /** Takes {@code page} out. */
    void remove(VmPage page) {
        VmPage found = trie.remove(page.pindex);
        if (found != page) {
            throw new KernelPanic("vm_page_remove: %s found in place of %s", found, page);
        }
        VmPage previous = page.listPrevious;
        VmPage next = page.listNext;
        if (previous == null) {
            first = next;
        } else {
            previous.listNext = next;
        }
        if (next == null) {
            last = previous;
        } else {
            next.listPrevious = previous;
        }
        page.listPrevious = null;
        page.listNext = null;
        count--;
    }

    /** Forgets all resident pages without visiting any. */
    void clear() {
        trie.clear();
        first = null;
        last = null;
        count = 0;
    }

    /** The cached page at {@code pindex}. */
    @Nullable
    VmPage findCached(long pindex) {
        freeLock.lock();
        VmPage page = cached.lookup(pindex);
        freeLock.unlock();
        return page;
    }

    /** How many pages the trie finds when asked for one after the other. */
    int countTrie() {
        int found = 0;
        for (VmPage page = trie.lookupGe(0); page != null; page = trie.lookupGe(page.pindex + 1)) {
            found++;
        }
        return found;
    }

    @Override
    public @Nullable Page lookup(long pindex) {
        owner.lock().assertHeld();
        return trie.lookup(pindex);
    }

    @Override
    public @Nullable Page findLeast(long pindex) {
        owner.lock().assertHeld();
        VmPage head = first;
        return head == null || head.pindex >= pindex ? head : trie.lookupGe(pindex);
    }

    @Override
    public @Nullable Page first() {
        return first;
    }

    @Override
    public @Nullable Page last() {
        return last;
    }

    @Override
    public @Nullable Page after(Page page) {
        return mine(page).listNext;
    }

    @Override
    public @Nullable Page before(Page page) {
        return mine(page).listPrevious;
    }

    @Override
    public @Nullable Page next(Page page) {
        VmPage next = mine(page).listNext;
        return next != null && next.pindex == page.pindex() + 1 ? next : null;
    }

    @Override
    public @Nullable Page previous(Page page) {
        VmPage previous = mine(page).listPrevious;
        return previous != null && previous.pindex == page.pindex() - 1 ? previous : null;
    }

    private VmPage mine(Page page) {
        VmPage mine = (VmPage) page;
        if (mine.home != this) {
            throw new KernelPanic("vm_page_next: %s is not a page of %s", page, owner);
        }
        return mine;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public boolean cacheEmpty() {
        return cached.isEmpty();
    }

    @Override
    public @Nullable Page findLeastCached(long pindex) {
        freeLock.lock();
        VmPage page = cached.lookupGe(pindex);
        freeLock.unlock();
        return page;
    }

    @Override
    public boolean reservationsEmpty() {
        return reservations == null;
    }

    @Override
    public void assertEmpty() {
        if (count != 0 || first != null || last != null || !trie.isEmpty()) {
            throw new KernelPanic("vm_object_zdtor: %s has %d resident pages", owner, count);
        }
        if (!cacheEmpty() || reservations != null) {
            throw new KernelPanic(
                    "vm_object_zdtor: %s has cached pages (%s) or reservations (%s)",
                    owner, !cacheEmpty(), reservations != null);
        }
    }

    @Override
    public long nodesVisited() {
        return trie.visited() + cached.visited();
    }
}
