// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The page layer: hands pages out, moves them between owners, and takes them back ({@code vm_page.c}).
 *
 * <p>"Owner lock" is the lock of the owner concerned. No method blocks or drops a lock unless it says so.
 */
@ProviderType
public interface Pages {
    /** Makes the empty resident set of a new owner. */
    ResidentPages newResidentPages(PageOwner owner);

    // Allocation

    /**
     * Takes a free page for (owner, pindex), which must not be resident ({@code vm_page_alloc}). Owner lock.
     * Exclusive-busy unless asked otherwise; invalid, unless it was cached for this owner.
     *
     * @param request {@link Alloc} bits
     * @return null when the class's limit is reached (the daemon has been woken) or the request's condition fails
     */
    @Nullable
    Page alloc(PageOwner owner, long pindex, int request);

    /** Takes a free page that belongs to nobody ({@link Alloc#NOOBJ}). No lock. */
    @Nullable
    Page allocUnowned(int request);

    /**
     * Finds the page at (owner, pindex), waiting until it is not busy, or allocates it, waiting for memory
     * ({@code vm_page_grab}). Owner lock; it is dropped while waiting. A new page is invalid unless it was cached.
     */
    Page grab(PageOwner owner, long pindex, int request);

    /**
     * Puts a page without owner at (owner, pindex), which must not be resident ({@code vm_page_insert}). Owner lock.
     *
     * @return false when no trie node could be had; nothing was changed then
     */
    boolean insert(Page page, PageOwner owner, long pindex);

    /**
     * Moves a page to (owner, pindex), fully dirty and not busy afterwards ({@code vm_page_rename}). Both owner locks.
     *
     * @return false when no trie node could be had; nothing was changed then
     */
    boolean rename(Page page, PageOwner owner, long pindex);

    /**
     * Puts a page without owner in the place of the one at (owner, pindex), which is on no queue and has no owner and
     * is not busy afterwards ({@code vm_page_replace}). Owner lock. Cannot fail.
     *
     * @return the page that was there
     */
    Page replace(Page page, PageOwner owner, long pindex);

    /**
     * Takes the page from its owner and ends its exclusive busy; queue and wirings stay ({@code vm_page_remove}). Owner
     * lock.
     */
    void remove(Page page);

    /**
     * Gives the page back: out of its owner, off its queue, free as soon as nobody holds it ({@code vm_page_free}). A
     * fictitious page is gone at once. Owner lock.
     */
    void free(Page page);

    /**
     * Caches a clean, unmapped page in nobody's way, or frees it if it could not be brought back
     * ({@code vm_page_cache}). Owner lock.
     */
    void cache(Page page);

    /**
     * Frees every resident page of an owner that nobody refers to any more and leaves wired ones without owner: one
     * sweep, without taking the trie apart page by page. Ends the hold of what is behind the owner. Owner lock.
     */
    void freeAll(PageOwner owner);

    // Cached pages and reservations

    /** Whether (owner, pindex) is cached ({@code vm_page_is_cached}). Owner lock. */
    boolean isCached(PageOwner owner, long pindex);

    /**
     * Forgets the cached pages of {@code [start, end)}; {@code end} 0 means to the end ({@code vm_page_cache_free}).
     * Owner lock.
     */
    void cacheFree(PageOwner owner, long start, long end);

    /**
     * Moves the cached pages of {@code [offset, offset + to.size())} to {@code to} at 0
     * ({@code vm_page_cache_transfer}). Both locks.
     */
    void cacheTransfer(PageOwner from, long offset, PageOwner to);

    /**
     * Hands the whole reservation of {@code page} over, if {@code from} has it ({@code vm_reserv_rename}). Both locks.
     */
    void renameReservation(Page page, PageOwner to, PageOwner from, long fromOffset);

    /** Gives back what the owner's reservations have not used ({@code vm_reserv_break_all}). Owner lock. */
    void breakReservations(PageOwner owner);

    // Fictitious pages: made for device memory, exclusive-busy, wired for life, on no queue and in no count

    /** Makes an unmanaged page for any frame ({@code vm_page_getfake}). It is gone when it, or its owner, is freed. */
    Page newFictitious(int frame, int memattr);

    /**
     * Makes a managed page for a frame of a DEVICE segment: {@link #pageOfFrame} finds it, and its mappings are kept
     * track of ({@code vm_phys_fictitious_reg_range}). It is gone when it, or its owner, is freed; nothing maps it by
     * then.
     *
     * @return null when the frame is of another segment or has a managed page already
     */
    @Nullable
    Page newManagedFictitious(int frame, int memattr);

    /** Points an unmanaged fictitious page elsewhere ({@code vm_page_updatefake}). Owner lock. */
    void updateFictitious(Page page, int frame, int memattr);

    /** Gives a fictitious page back that has no owner ({@code vm_page_putfake}). */
    void freeFictitious(Page page);

    // Waiting for memory and the daemon

    /**
     * Waits until the free count has recovered ({@code VM_WAIT}). No owner lock may be held. In a stepped machine the
     * daemon runs one pass instead.
     */
    void waitForMemory(String waitMessage);

    /** Waits while memory is severely short, as a fault does ({@code VM_WAITPFAULT}). No owner lock may be held. */
    void waitForFaultMemory(String waitMessage);

    /**
     * Lets everybody who waits for memory look again, whether there is any or not: a process was told to die. Any lock
     * may be held.
     */
    void wakeMemoryWaiters();

    /** Registers the page daemon, or takes it away with null; it registers itself when it starts. */
    void setDaemon(@Nullable PageDaemon daemon);

    /**
     * Marks the calling thread as the daemon's, or as any other: the daemon's requests count as SYSTEM and never wait.
     */
    void setDaemonThread(boolean daemon);

    /** Whether the calling thread was marked with {@link #setDaemonThread}: only its page-outs may complete later. */
    boolean daemonThread();

    /** How much memory there is and how it is used. */
    PageCounts counts();

    /** The thresholds that follow from the amount of memory. */
    PageLimits limits();

    /** One of the two paging queues. */
    PagingQueue queue(QueueId id);

    /** The page of a frame: of a general segment, or a managed fictitious one; null when it has none. */
    @Nullable
    Page pageOfFrame(int frame);
}
