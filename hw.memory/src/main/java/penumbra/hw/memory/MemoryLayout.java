// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import penumbra.hw.PageSize;

/**
 * How much memory a machine has and what it is set aside for, in bytes; each is a multiple of the page size.
 *
 * @param generalBytes what the page allocator hands out, exactly; at least one page
 * @param tableBytes what the MMU keeps its tables in; at least one page
 * @param compressedBytes what holds compressed pages; may be 0
 */
public record MemoryLayout(long generalBytes, long tableBytes, long compressedBytes) {
    /** 4 MiB of tables: room for some two hundred small address spaces however little general memory there is. */
    private static final long LEAST_TABLE_FRAMES = 1024;
    /** One table frame for 64 general ones: eight times what mapping all of them once, densely, takes. */
    private static final long GENERAL_FRAMES_PER_TABLE = 64;
    /** Frames are numbered by {@code int}; half of the numbers leave room for holes. */
    private static final long MOST_BYTES = 1L << 30 + PageSize.SHIFT;

    /** Checks every size. */
    public MemoryLayout {
        check("general memory", generalBytes, PageSize.BYTES);
        check("table memory", tableBytes, PageSize.BYTES);
        check("compressed memory", compressedBytes, 0);
    }

    /**
     * A machine with {@code generalBytes} for pages, no compressed memory, and 4 MiB of tables plus a 64th of the
     * general memory, rounded up to a page.
     */
    public static MemoryLayout ofGeneral(long generalBytes) {
        return new MemoryLayout(generalBytes, tablesFor(generalBytes), 0);
    }

    /** A machine with exactly {@code frames} frames for pages. */
    public static MemoryLayout ofFrames(int frames) {
        return ofGeneral(PageSize.bytes(frames));
    }

    /** The same with {@code pages} pages of compressed memory. */
    public MemoryLayout withCompressedPages(long pages) {
        return new MemoryLayout(generalBytes, tableBytes, PageSize.bytes(pages));
    }

    /** The size of the table segment, in bytes, that goes with {@code generalBytes} unless another is asked for. */
    static long tablesFor(long generalBytes) {
        long frames = PageSize.index(generalBytes);
        return PageSize.bytes(LEAST_TABLE_FRAMES + (frames + GENERAL_FRAMES_PER_TABLE - 1) / GENERAL_FRAMES_PER_TABLE);
    }

    private static void check(String what, long bytes, long least) {
        if (bytes < least || bytes > MOST_BYTES || bytes % PageSize.BYTES != 0) {
            throw new IllegalArgumentException(String.format(
                    "%s of %d bytes: expected a multiple of %d from %d to %d",
                    what, bytes, PageSize.BYTES, least, MOST_BYTES));
        }
    }
}
