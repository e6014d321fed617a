// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/**
 * One cached translation as a {@code long}, neutral of any MMU's format: bits 0-2 the protection, bit 3 whether it may
 * be written without a trap or a walk (the modified bit is set already), from bit 8 on the frame.
 */
public final class TlbEntry {
    /** No translation: the access traps. */
    public static final long MISS = 0;

    private static final int FRAME_SHIFT = 8;
    private static final long MAY_WRITE = 8;

    private TlbEntry() {}

    /**
     * A translation.
     *
     * @param frame the frame's number
     * @param prot {@link Prot} bits; at least one is set
     * @param mayWrite whether stores need not consult the tables again
     */
    public static long of(int frame, int prot, boolean mayWrite) {
        return (long) frame << FRAME_SHIFT | prot | (mayWrite ? MAY_WRITE : 0);
    }

    /** The frame of {@code entry}. */
    public static int frame(long entry) {
        return (int) (entry >>> FRAME_SHIFT);
    }

    /** The {@link Prot} bits of {@code entry}. */
    public static int prot(long entry) {
        return (int) entry & Prot.ALL;
    }

    /** Whether {@code entry} lets an access of the {@link Prot} kind {@code access} through without a walk. */
    public static boolean allows(long entry, int access) {
        return (entry & access) != 0 && (access != Prot.WRITE || (entry & MAY_WRITE) != 0);
    }
}
