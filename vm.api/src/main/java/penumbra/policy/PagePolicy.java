// SPDX-License-Identifier: BSD-2-Clause
package penumbra.policy;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A rule that chooses the pages to take from their owners when memory is short. For others to implement; the page
 * daemon is its only caller, on its own thread, and does without a policy that throws. A policy that leaves is waited
 * for: its service is gone when its last scan has ended.
 */
@ConsumerType
public interface PagePolicy {
    /** The name that {@code --policy} and commands use: {@code "freebsd10"}. */
    String name();

    /**
     * Does one pass over the paging queues ({@code vm_pageout_scan}). Holds no lock; blocks only in calls on
     * {@code pass}.
     */
    void scan(PageoutPass pass);
}
