// SPDX-License-Identifier: BSD-2-Clause
package penumbra.object;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.account.Cred;
import penumbra.kern.KernReturn;
import penumbra.page.Advice;
import penumbra.page.PageOwner;

/**
 * A memory object: a range of pages with contents, whether in memory, in a pager or in the object behind it
 * (FreeBSD's {@code vm_object}).
 *
 * <p>Offsets and sizes are in pages, charges in bytes. "Locked" means that the caller holds {@link #lock()}; unlocked
 * methods take it themselves. A shadow is locked before its backing object.
 *
 * <p>Objects are type-stable: one that is gone may come back as another, with another {@link #id()}. Whoever holds no
 * reference compares it after locking.
 */
@ProviderType
public interface VmObject extends PageOwner {
    // State; locked, unless an old value will do

    /** The number of this object since boot, from 1, in order of allocation; names it at the prompt. */
    long id();

    ObjectType type();

    /** Changes the type; for the pager that owns the object. Locked. */
    void setType(ObjectType type);

    /** {@link ObjectFlags} bits. */
    int flags();

    /** Whether any of {@code bits} is set. */
    default boolean has(int bits) {
        return (flags() & bits) != 0;
    }

    void setFlag(int bits);

    /** Clears flags ({@code vm_object_clear_flag}). Locked. */
    void clearFlag(int bits);

    /** Changes how many pages the object spans; touches no page. Locked. */
    void setSize(long pages);

    int refCount();

    /** How many objects shadow this one. */
    int shadowCount();

    /** The object behind this one. */
    @Nullable
    VmObject backing();

    /** Where this object's page 0 lies in the object behind it, in pages. */
    long backingOffset();

    /** The first of the objects that shadow this one, newest first; see {@link #nextSibling}. */
    @Nullable
    VmObject firstShadow();

    /** The next in the list of shadows of the object behind this one. */
    @Nullable
    VmObject nextSibling();

    /** Counts pages that might have been dirtied; of file objects only. */
    int generation();

    /** Pager operations under way. */
    int pagingInProgress();

    /** The user who paid for this object's swap; null when nobody has. */
    @Nullable
    Cred cred();

    /** What was paid, in bytes. */
    long charge();

    /** Sets who paid and how much; the promise itself is the caller's business. Locked. */
    void setCharge(@Nullable Cred cred, long bytes);

    /** What the pager finds the object by: a {@code Vnode}, a device; null for plain anonymous memory. */
    @Nullable
    Object handle();

    void setHandle(@Nullable Object handle);

    /** What the pager layer keeps for this object; nobody else's business. */
    @Nullable
    Object pagerState();

    void setPagerState(@Nullable Object state);

    /**
     * The {@code Vnode} of a file that lives in this swap object ({@code OBJ_TMPFS}, {@code swp_tmpfs}); null for all
     * others.
     */
    @Nullable
    Object tmpfsNode();

    /** Sets {@link #tmpfsNode}, before {@code OBJ_TMPFS} is set. */
    void setTmpfsNode(@Nullable Object node);

    /** Chooses the colour once, when it has none ({@code OBJ_COLORED}). Locked. */
    void setColor(int color);

    // References

    /** Adds a reference ({@code vm_object_reference}). Unlocked. */
    void reference();

    /** Adds a reference ({@code vm_object_reference_locked}). Locked. */
    void referenceLocked();

    /**
     * Drops a reference; the last one terminates the object, and the last but one may collapse it into its only shadow
     * ({@code vm_object_deallocate}). No object locked. May block.
     */
    void deallocate();

    /**
     * Cleans and frees everything; the pager forgets the object ({@code vm_object_terminate}). Locked on entry, gone on
     * return. May block.
     */
    void terminate();

    // Paging in progress; locked

    /** Counts {@code n} more operations ({@code vm_object_pip_add}). */
    void pipAdd(int n);

    /** Counts {@code n} fewer operations, waking nobody ({@code vm_object_pip_subtract}). */
    void pipSubtract(int n);

    /** Ends {@code n} operations and wakes those who wait for the last ({@code vm_object_pip_wakeupn}). */
    void pipWakeup(int n);

    /** Sleeps until nothing is in progress, dropping the lock meanwhile ({@code vm_object_pip_wait}). */
    void pipWait(String waitMessage);

    // Pages

    /**
     * Writes the dirty pages of {@code [start, end)}, all for end 0; leaves them on their queues
     * ({@code vm_object_page_clean}). Locked; drops the lock. May block.
     *
     * @param flags {@code CLEAN_} bits of {@link ObjectFlags}
     * @return false when some page was not written
     */
    boolean pageClean(long start, long end, int flags);

    /**
     * Writes and invalidates for msync, in the file at the end of the chain ({@code vm_object_sync}). Unlocked; locks
     * the vnode. May block.
     *
     * @return false when some page was not written or the file could not be flushed
     */
    boolean sync(long offset, long size, boolean syncIo, boolean invalidate);

    /**
     * Applies WILLNEED, DONTNEED or FREE to {@code [start, end)} through the chain ({@code vm_object_madvise}).
     * Unlocked. May block.
     */
    void madvise(long start, long end, Advice advice);

    /**
     * Frees the pages of {@code [start, end)}, to the end for end 0; invalidates those wired otherwise than by mappings
     * ({@code vm_object_page_remove}). Locked; drops the lock while a page is busy.
     *
     * @param options {@code REMOVE_} bits of {@link ObjectFlags}
     */
    void pageRemove(long start, long end, int options);

    /** Moves clean pages of {@code [start, end)} to the cache ({@code vm_object_page_cache}). Locked. */
    void pageCache(long start, long end);

    /**
     * Makes {@code [start, end)} resident and valid ({@code vm_object_populate}). Locked; drops the lock. May block.
     * Returns whether it could.
     */
    boolean populate(long start, long end);

    /** Records that a page may have been written: file objects only ({@code vm_object_set_writeable_dirty}). Locked. */
    @Override
    void setWriteableDirty();

    /** Sets the attribute of pages to come ({@code vm_object_set_memattr}). Locked. FAILURE once pages are resident. */
    KernReturn setMemattr(int memattr);

    // The chain

    /**
     * Merges with, or bypasses, the objects behind this one as far as possible ({@code vm_object_collapse}). Locked;
     * may drop the lock.
     */
    void collapse();

    /**
     * Extends the object so that a neighbouring mapping can use it ({@code vm_object_coalesce}). Unlocked.
     *
     * @param prevOffset where the existing mapping starts in the object
     * @param prevSize how long it is
     * @param nextSize how much is to follow
     * @param reserved whether swap for the extension has been reserved
     * @return false when the object cannot be used for both
     */
    boolean coalesce(long prevOffset, long prevSize, long nextSize, boolean reserved);
}
