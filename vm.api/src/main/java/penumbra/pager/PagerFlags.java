// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

/** The option bits of {@link Pagers#putPages} ({@code VM_PAGER_*}). */
public final class PagerFlags {
    /** Wait for the write. */
    public static final int PUT_SYNC = 1;
    /** The pages are going to be invalidated. */
    public static final int PUT_INVAL = 2;
    /** The write may be delayed and clustered. */
    public static final int CLUSTER_OK = 8;

    private PagerFlags() {}
}
