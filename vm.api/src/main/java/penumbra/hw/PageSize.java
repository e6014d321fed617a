// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** The size of a page and the arithmetic on it (amd64: 4 KiB pages of eight 512-byte blocks). */
public final class PageSize {
    public static final int SHIFT = 12;
    /** Bytes in a page. */
    public static final int BYTES = 1 << SHIFT;
    /** The offset bits of an address. */
    public static final int MASK = BYTES - 1;
    /** Bytes in a device block, FreeBSD's {@code DEV_BSIZE}: the unit of valid and dirty bits. */
    public static final int BLOCK = 512;

    private PageSize() {}

    /** The page that holds byte {@code address} ({@code atop}, {@code OFF_TO_IDX}). */
    public static long index(long address) {
        return address >>> SHIFT;
    }

    /** The first byte of page {@code index} ({@code ptoa}, {@code IDX_TO_OFF}). */
    public static long bytes(long index) {
        return index << SHIFT;
    }

    /** {@code address} rounded down to a page boundary ({@code trunc_page}). */
    public static long floor(long address) {
        return address & ~(long) MASK;
    }

    /** {@code address} rounded up to a page boundary ({@code round_page}). */
    public static long ceiling(long address) {
        return address + MASK & ~(long) MASK;
    }
}
