// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A space's paging-structure cache (Intel SDM volume 3, 4.10.3): for GiBs that were lately entered, their directory,
 * which spares a walk the upper two levels.
 *
 * <p>Filled and emptied under the space's lock, read without: a reader that still sees a directory which was unlinked
 * is a walk that the shootdown before its freeing waits for.
 */
final class DirectoryCache {
    /** More GiBs than most programs use. */
    private static final int SLOTS = 64;

    private static final int GIB_SHIFT = 18;
    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    /** By GiB, modulo: its number plus one in the upper half, the frame of its directory in the lower; 0 is empty. */
    private final long[] slots = new long[SLOTS];

    DirectoryCache() {}

    /** The directory for {@code page}, or {@link TableFrames#NONE} when it is not known. */
    int find(long page) {
        long gib = page >>> GIB_SHIFT;
        long slot = (long) ELEMENT.getOpaque(slots, (int) gib & SLOTS - 1);
        return slot >>> Integer.SIZE == gib + 1 ? (int) slot : TableFrames.NONE;
    }

    /** Remembers the directory for {@code page}. */
    void remember(long page, int directory) {
        long gib = page >>> GIB_SHIFT;
        ELEMENT.setOpaque(slots, (int) gib & SLOTS - 1, gib + 1 << Integer.SIZE | directory);
    }

    /** Forgets the directory for {@code page}. */
    void forget(long page) {
        ELEMENT.setOpaque(slots, (int) (page >>> GIB_SHIFT) & SLOTS - 1, 0L);
    }

    /** Forgets everything. */
    void forgetAll() {
        for (int i = 0; i < SLOTS; i++) {
            ELEMENT.setOpaque(slots, i, 0L);
        }
    }
}
