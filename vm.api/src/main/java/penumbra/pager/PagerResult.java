// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

/** What a pager says of one page or one request, in FreeBSD's numbering ({@code VM_PAGER_*}). */
public enum PagerResult {
    /** Done. */
    OK,
    /** Outside of what the pager has. */
    BAD,
    /** Nothing there. */
    FAIL,
    /** Under way; the pager itself unbusies the page. */
    PEND,
    /** I/O failed. */
    ERROR,
    /** Try again later; the page stays dirty. */
    AGAIN
}
