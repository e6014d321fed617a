// SPDX-License-Identifier: BSD-2-Clause
package penumbra.policy;

import org.osgi.annotation.versioning.ProviderType;
import penumbra.page.Page;
import penumbra.page.PageCounts;
import penumbra.page.PageLimits;
import penumbra.page.PagingQueue;

/**
 * One pass of the page daemon, as a policy sees it: the queues, what is wanted, and the daemon's tools.
 *
 * <p>The tools find a page in any state: they take its owner's lock, check that it is still on the queue and in
 * nobody's way, and tell what they did.
 */
@ProviderType
public interface PageoutPass {
    /** The number of the pass: 0 ages only; from 1 on memory is short; from 2 on the last pass did not help. */
    int number();

    /**
     * Pages wanted, {@link #deficit} included; 0 in pass 0, and then or when memory has recovered it may be negative.
     */
    int shortage();

    /** Pages that were asked for in vain before this pass; 0 in pass 0. */
    int deficit();

    PageCounts counts();

    PageLimits limits();

    PagingQueue active();

    PagingQueue inactive();

    /**
     * Takes the owner's lock of the page that the cursor stands behind, without waiting; false when it is not to be had
     * or the page moved.
     */
    boolean tryOwn(PagingQueue.Cursor cursor, Page page);

    /** Gives the lock back that {@link #tryOwn} took. */
    void disown(Page page);

    /** How many accessed bits were set, now cleared, REFERENCED included. The page is owned. */
    int takeReferences(Page page);

    /** Whether anybody refers to the page's owner, so that the page may be mapped. The page is owned. */
    boolean referenced(Page page);

    /** Removes every mapping; the page may turn out to be dirty ({@code pmap_remove_all}). The page is owned. */
    void removeMappings(Page page);

    /** Frees an invalid page ({@code vm_page_free}). The page is owned and stays locked until {@link #disown}. */
    void free(Page page);

    /**
     * Caches a clean page without mappings ({@code vm_page_cache}). The page is owned and stays locked until
     * {@link #disown}.
     */
    void cache(Page page);

    /**
     * Writes the page, with dirty neighbours around it, to its pager ({@code vm_pageout_clean}). The page is owned on
     * entry, disowned on return. May block.
     *
     * @return how many pages are being written; 0 when it could not be done now
     */
    int launder(Page page);
}
