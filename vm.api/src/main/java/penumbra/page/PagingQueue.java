// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One paging queue, oldest page first ({@code struct vm_pagequeue}).
 *
 * <p>Locks of its own, of ranks PAGE_BATCH and PAGE_QUEUE, guard each call; pages move between two calls, so a scan
 * keeps its place with a {@link Cursor}. The pages that one thread queues keep their order; those that several threads
 * queue at the same time may pass a few of each other's.
 */
@ProviderType
public interface PagingQueue {
    /** Which queue this is. */
    QueueId id();

    /**
     * How many pages are on it. While others change it, a page that moves may count twice or not at all; one that stays
     * is never missed.
     */
    int length();

    /** Opens a scan at the head; close it when done. */
    Cursor scan();

    /** A place in the queue that stays where it is while pages around it come and go (the original's marker page). */
    @ProviderType
    interface Cursor extends AutoCloseable {
        /**
         * Moves behind the next page and returns it; null at the end. The page may leave the queue at any time: take
         * its owner's lock, then ask {@link #stillHere}.
         */
        @Nullable
        Page next();

        /** Whether the page that {@link #next} returned last is still on this queue, right before the cursor. */
        boolean stillHere();

        @Override
        void close();
    }
}
