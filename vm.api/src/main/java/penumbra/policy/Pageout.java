// SPDX-License-Identifier: BSD-2-Clause
package penumbra.policy;

import org.osgi.annotation.versioning.ProviderType;

/** The page daemon's controls: what {@code pageout} at the prompt and in scripts calls. */
@ProviderType
public interface Pageout {
    /**
     * Runs one scan on the calling thread, as the daemon ({@code vm_pageout_scan}). No lock is held. May block.
     *
     * @param pass 0 ages only; 1 frees and launders; 2 launders without mercy
     */
    void scan(int pass);

    /**
     * Lets virtual time pass for a stepped machine: runs the daemon if it was woken, and its periodic ageing when a
     * second has gone by. No lock is held.
     */
    void poll();

    /** The name of the policy in use. */
    String policy();

    /**
     * Uses another policy from the next pass on, whenever it is there, until another is asked for or configured; while
     * it is away, the configured one serves, or the default one.
     *
     * @return false when there is none of that name
     */
    boolean usePolicy(String name);

    /** Passes of number 1 and above since boot. */
    long passes();

    /** Pages written by the daemon since boot. */
    long laundered();
}
