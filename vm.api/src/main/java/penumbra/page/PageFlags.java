// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

/** The flag bits of a page, in FreeBSD's numbering: {@code PGA_*}, {@code PG_*} and {@code VPO_*}. */
public final class PageFlags {
    /** Atomic flag: some mapping may be writeable. */
    public static final int A_WRITEABLE = 1;
    /** Atomic flag: was referenced through a mapping that is gone, or by the kernel. */
    public static final int A_REFERENCED = 2;
    /** Atomic flag: has been mapped executable. */
    public static final int A_EXECUTABLE = 4;

    /** Is free memory that still has an identity. */
    public static final int CACHED = 0x1;
    /** Is free memory without identity. */
    public static final int FREE = 0x2;
    /** Describes device memory; was not made at boot. */
    public static final int FICTITIOUS = 0x4;
    /** The contents are known to be zero. */
    public static final int ZERO = 0x8;
    /** Marks a place in a queue; is no page. */
    public static final int MARKER = 0x10;
    /** The daemon has passed over this dirty page once already. */
    public static final int WINATCFLS = 0x40;
    /** Is left out of dumps. */
    public static final int NODUMP = 0x80;
    /** The last unhold frees it. */
    public static final int UNHOLDFREE = 0x100;

    /** Somebody sleeps until the swap transfer ends. */
    public static final int O_SWAPSLEEP = 0x2;
    /** The pmap layer does not keep track of its mappings. */
    public static final int O_UNMANAGED = 0x4;
    /** A swap transfer is under way. */
    public static final int O_SWAPINPROG = 0x8;
    /** Is not written by periodic syncs. */
    public static final int O_NOSYNC = 0x10;

    private PageFlags() {}
}
