// SPDX-License-Identifier: BSD-2-Clause
package penumbra.map;

import org.osgi.annotation.versioning.ProviderType;

/** How faults were resolved, counted since boot or since an address space was made. */
@ProviderType
public interface FaultCounts {
    /** All faults. */
    long total();

    /** Answered with a zeroed page ({@code v_zfod}). */
    long zeroFill();

    /** Answered with a copy ({@code v_cow_faults}). */
    long copyOnWrite();

    /** Answered with the original page moved up instead of a copy ({@code v_cow_optim}). */
    long copyAvoided();

    /** Answered with a page that was in memory already. */
    long soft();

    /** Answered with a page read from a file. */
    long fileRead();

    /** Answered with a page read from swap. */
    long swapRead();

    /** Refused, or nothing but protection changed. */
    long protection();
}
