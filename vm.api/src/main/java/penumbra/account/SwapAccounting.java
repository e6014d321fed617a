// SPDX-License-Identifier: BSD-2-Clause
package penumbra.account;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The ledger of swap space promised to objects and map entries, in bytes, multiples of a page. Thread-safe; never
 * blocks.
 */
@ProviderType
public interface SwapAccounting {
    /** Enforce the system-wide limit ({@code vm.overcommit} bit 0). */
    int LIMIT_TOTAL = 1;

    /** Enforce each user's limit ({@code vm.overcommit} bit 1). */
    int LIMIT_USER = 2;

    /** Count unwired memory into the system-wide limit ({@code vm.overcommit} bit 2). */
    int COUNT_MEMORY = 4;

    /**
     * Promises {@code bytes} to {@code cred} ({@code swap_reserve_by_cred}).
     *
     * @return false when a limit in force does not allow it; nothing is promised then
     */
    boolean reserve(long bytes, Cred cred);

    /** Promises {@code bytes} whatever the limits say ({@code swap_reserve_force}). */
    void reserveForce(long bytes, Cred cred);

    /** Takes a promise back ({@code swap_release_by_cred}); panics when less was promised. */
    void release(long bytes, Cred cred);

    /** The sum of all promises. */
    long reserved();

    /** What is promised to user {@code uid}. */
    long reserved(int uid);

    /** The limits in force: bits of this interface, default 0. */
    int overcommit();

    /** Changes the limits in force; promises made before stay. */
    void setOvercommit(int bits);

    /** Limits user {@code uid} to {@code bytes} ({@code RLIMIT_SWAP}); {@link Long#MAX_VALUE} for no limit. */
    void setUserLimit(int uid, long bytes);
}
