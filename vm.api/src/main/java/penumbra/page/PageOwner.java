// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.osgi.annotation.versioning.ProviderType;
import penumbra.kern.KernelLock;

/**
 * What the page layer asks of the object that owns pages: the one way in which it calls upwards.
 *
 * <p>All methods but {@link #lock()} are called with the lock held, unless said otherwise.
 */
@ProviderType
public interface PageOwner {
    /** The lock that guards the owner and its pages, of rank OBJECT. */
    KernelLock lock();

    /** The owner's resident and cached pages and reservations; one for life. */
    ResidentPages pages();

    /** How many pages the owner spans. */
    long size();

    /** Whether its pages are fictitious ({@code OBJ_FICTITIOUS}). */
    boolean fictitious();

    /** Whether its pages' mappings are not kept track of ({@code OBJ_UNMANAGED}). */
    boolean unmanaged();

    /** Whether {@link #color()} has been chosen, so that pages come from reservations ({@code OBJ_COLORED}). */
    boolean colored();

    /** The place of pindex 0 within a reservation, 0 to 4095 ({@code pg_color}). */
    int color();

    /** The memory attribute of its pages; 0 is write-back, the default. */
    int memattr();

    /** Whether a reservation may run past {@link #size()}: neither it nor its backing object is a file's. */
    boolean mayReserveBeyondEnd();

    /**
     * Whether a clean page at {@code pindex} can be brought back, so that it may be cached rather than freed: not in a
     * default object, and in a swap object only with a copy in swap.
     */
    boolean hasBackingCopy(long pindex);

    /**
     * Whether the contents end within the first {@code bytes} bytes of the page at {@code pindex}, as a file's do;
     * never in anonymous memory.
     */
    default boolean endsWithin(long pindex, int bytes) {
        return false;
    }

    /** Keeps what is behind the owner alive while pages exist: a vnode's hold; the page layer says when. */
    void holdBacking();

    /** Ends one {@link #holdBacking}. May be called without the owner's lock, under the free list lock. */
    void dropBacking();

    /** A page that may be mapped writeable came in ({@code vm_object_set_writeable_dirty}). */
    void setWriteableDirty();
}
