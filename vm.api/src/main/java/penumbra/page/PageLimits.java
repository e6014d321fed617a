// SPDX-License-Identifier: BSD-2-Clause
package penumbra.page;

/**
 * The page daemon's thresholds, in pages ({@code vm_pageout_init} of 10.0).
 *
 * @param pageCount all pages
 * @param freeReserved what NORMAL requests leave alone
 * @param freeSevere below this, faults wait
 * @param freeMin below this, sleepers are not woken
 * @param freeTarget what the daemon works towards
 * @param inactiveTarget how long INACTIVE should be
 * @param interruptFreeMin what SYSTEM requests leave alone
 * @param wakeup below this, the daemon is woken
 * @param pageoutPageCount the daemon's cluster
 */
public record PageLimits(
        int pageCount,
        int freeReserved,
        int freeSevere,
        int freeMin,
        int freeTarget,
        int inactiveTarget,
        int interruptFreeMin,
        int wakeup,
        int pageoutPageCount) {
    /** What the daemon keeps for its own transfers: two of {@code MAXBSIZE} (16 pages), and 2 pages. */
    public static final int PAGEOUT_FREE_MIN = 2 * 16 + 2;

    /** The thresholds of a machine with {@code pages} pages of memory. */
    public static PageLimits of(int pages) {
        int cluster = pages < 2000 ? 8 : 16;
        int freeMin0 = 4 + (pages > 1024 ? (pages - 1024) / 200 : 0);
        int reserved = cluster + PAGEOUT_FREE_MIN + pages / 768;
        int min = freeMin0 + reserved;
        int target = 4 * freeMin0 + reserved;
        int inactive = Math.min(3 * target / 2, pages / 3);
        return new PageLimits(
                pages, reserved, freeMin0 / 2 + reserved, min, target, inactive, 2, min / 10 * 11, cluster);
    }
}
