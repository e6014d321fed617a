// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The pages that are in memory for one owner: a trie by pindex and a list in pindex order that always agree, beside its
 * cached pages and reservations. The owner's lock guards every method; none blocks.
 */
@ProviderType
public interface ResidentPages {
    /** The page at {@code pindex}; null when it is not resident ({@code vm_page_lookup}). */
    @Nullable
    Page lookup(long pindex);

    /** The page with the least pindex of at least {@code pindex} ({@code vm_page_find_least}). */
    @Nullable
    Page findLeast(long pindex);

    /** The page with the least pindex. */
    @Nullable
    Page first();

    /** The page with the greatest pindex. */
    @Nullable
    Page last();

    /** The page after {@code page} in pindex order, adjacent or not. */
    @Nullable
    Page after(Page page);

    /** The page before {@code page} in pindex order, adjacent or not. */
    @Nullable
    Page before(Page page);

    /** The page at {@code page.pindex() + 1} ({@code vm_page_next}). */
    @Nullable
    Page next(Page page);

    /** The page at {@code page.pindex() - 1} ({@code vm_page_prev}). */
    @Nullable
    Page previous(Page page);

    /** How many pages are resident. */
    int count();

    /** Whether no page is cached for this owner. */
    boolean cacheEmpty();

    /** The cached page with the least pindex of at least {@code pindex}; for inspection. */
    @Nullable
    Page findLeastCached(long pindex);

    /** Whether the owner has no reservation. */
    boolean reservationsEmpty();

    /** Panics unless empty in every way: what the original checks as an object is freed ({@code vm_object_zdtor}). */
    void assertEmpty();

    /** How many trie nodes operations on this owner have visited; for tests of their cost. */
    long nodesVisited();
}
