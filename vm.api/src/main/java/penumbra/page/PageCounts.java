// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.osgi.annotation.versioning.ProviderType;

/** How memory is used, in pages: live values, each correct by itself ({@code struct vmmeter}). */
@ProviderType
public interface PageCounts {
    /** Pages on the free lists without identity. */
    int free();

    /** Free pages that still have an identity. */
    int cache();

    /** What the limits are compared with: {@code free() + cache()}. */
    int available();

    int active();

    int inactive();

    /** Pages wired at least once. */
    int wired();

    /** Pages asked for in vain since the daemon last looked; reading it this way does not reset it. */
    int deficit();

    /** Sets the deficit to 0 and returns what it was; for the daemon. */
    int takeDeficit();

    /** Whether available memory is below the severe limit ({@code vm_page_count_severe}). */
    boolean severe();

    /** Whether available memory is below the minimum ({@code vm_page_count_min}). */
    boolean belowMin();

    /** Whether available memory is below the target ({@code vm_page_count_target}). */
    boolean belowTarget();

    /** Whether the daemon should work ({@code vm_paging_needed}). */
    boolean pagingNeeded();

    /** Cached pages that were wanted again. */
    long reactivated();

    /** Pages freed with their owners since boot ({@code v_pfree}). */
    long freed();
}
