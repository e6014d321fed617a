// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

/**
 * The classes of locks, in the order in which a thread may take them.
 *
 * <p>A thread that holds a lock of one rank may take locks of later ranks only. {@link #OBJECT} alone allows two of its
 * kind: a shadow before its backing object, or an object that is still private to its creator.
 */
public enum LockRank {
    /** A vnode: the only lock that may be held across pager I/O. */
    VNODE,
    /** An address space and its entries. */
    ADDRESS_SPACE,
    /** An object, its resident pages and their valid and dirty bits. */
    OBJECT,
    /** The location map of one object's swapped pages. */
    LOCATION_MAP,
    /** A page's queue, wire and hold state. */
    PAGE,
    /** Pages on their way to a paging queue. */
    PAGE_BATCH,
    /** A paging queue. */
    PAGE_QUEUE,
    /** One address space's translation tables. */
    PMAP,
    /** The lists of a frame's mappings. */
    PV,
    /** A backing store's slots. */
    STORE,
    /** The free lists of frames and the tries of cached pages. */
    FREE_LIST,
    /** Short locks under which nothing else is taken: lists of objects, sleep queues, statistics. */
    LEAF;

    /** Whether a thread may hold two locks of this rank. */
    public boolean allowsSame() {
        return this == OBJECT;
    }

    /** Whether a thread may wait for I/O while it holds a lock of this rank. */
    public boolean allowsIo() {
        return this == VNODE;
    }
}
