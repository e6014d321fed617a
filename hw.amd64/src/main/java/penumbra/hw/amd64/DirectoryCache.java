// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A space's paging-structure cache (Intel SDM volume 3, 4.10.3): for 2 MiB regions that were lately entered, the table of
 * the lowest level, which spares a walk the upper three.
 *
 * <p>Filled and emptied under the space's lock, read without: a reader that still sees a table which was unlinked is a walk
 * that the shootdown before the freeing of the table waits for.
 */
final class DirectoryCache {
    /** Covers half a GiB, as many regions as a processor's cache of this kind has entries for, and more. */
    private static final int SLOTS = 256;

    private static final int REGION_SHIFT = 9;
    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    /** By region, modulo: its number plus one in the upper half, the frame of its table in the lower; 0 is empty. */
    private final long[] slots = new long[SLOTS];

    DirectoryCache() {}

    /** The table of the lowest level for {@code page}, or {@link TableFrames#NONE} when it is not known. */
    int find(long page) {
        long region = page >>> REGION_SHIFT;
        long slot = (long) ELEMENT.getOpaque(slots, (int) region & SLOTS - 1);
        return slot >>> Integer.SIZE == region + 1 ? (int) slot : TableFrames.NONE;
    }

    /** Remembers the table for the region of {@code page}. */
    void remember(long page, int table) {
        long region = page >>> REGION_SHIFT;
        ELEMENT.setOpaque(slots, (int) region & SLOTS - 1, region + 1 << Integer.SIZE | table);
    }

    /** Forgets what is known of the region of {@code page}. */
    void forget(long page) {
        long region = page >>> REGION_SHIFT;
        ELEMENT.setOpaque(slots, (int) region & SLOTS - 1, 0L);
    }

    /** Forgets everything. */
    void forgetAll() {
        for (int i = 0; i < SLOTS; i++) {
            ELEMENT.setOpaque(slots, i, 0L);
        }
    }
}
