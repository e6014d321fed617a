// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

import org.osgi.annotation.versioning.ProviderType;

/** The page daemon as the page layer sees it; {@code vm.pageout} registers one with {@link Pages#setDaemon}. */
@ProviderType
public interface PageDaemon {
    /** Memory is short: scan soon. Called with any lock held; never blocks ({@code pagedaemon_wakeup}). */
    void wakeup();

    /**
     * Runs one pass on the calling thread because it waits for memory; stepped machines only. No lock is held.
     *
     * @param waitMessage why it waits
     */
    void step(String waitMessage);
}
