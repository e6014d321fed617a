// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager;

/**
 * What a pager has around one page, as a {@code long}: {@link #NONE}, or how many pages before and after it can be
 * transferred with it at once.
 */
public final class PageRun {
    /** The pager has no such page. */
    public static final long NONE = -1;

    private PageRun() {}

    /** The page is there, with {@code before} and {@code after} neighbours. */
    public static long of(int before, int after) {
        return (long) before << 32 | after;
    }

    /** Whether the page is there. */
    public static boolean present(long run) {
        return run >= 0;
    }

    public static int before(long run) {
        return (int) (run >>> 32);
    }

    public static int after(long run) {
        return (int) run;
    }
}
