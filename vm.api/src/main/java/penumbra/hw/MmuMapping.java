// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/**
 * One mapping as a {@code long}, neutral of any MMU's format: its {@link Prot} bits, its attributes, and its frame.
 *
 * <p>Attributes are the bits below, and above them the {@link MemoryAttribute}.
 */
public final class MmuMapping {
    /** Stays until it is removed expressly. */
    public static final int WIRED = 1;
    /** Is in the list of its frame's mappings. */
    public static final int MANAGED = 2;
    /** Was accessed since the bit was last cleared. */
    public static final int ACCESSED = 4;
    /** Was written since the bit was last cleared. */
    public static final int MODIFIED = 8;

    /** In place of a mapping: there is none. */
    public static final long NONE = -1;

    private static final int MEMORY_SHIFT = 4;
    private static final int MEMORY_MASK = 3;
    private static final int ATTRIBUTES_SHIFT = 3;
    private static final int ATTRIBUTES_MASK = MEMORY_MASK << MEMORY_SHIFT | WIRED | MANAGED | ACCESSED | MODIFIED;
    private static final int FRAME_SHIFT = 12;

    private MmuMapping() {}

    /** A mapping of {@code frame}. */
    public static long of(int frame, int prot, int attributes) {
        return (long) frame << FRAME_SHIFT | (long) attributes << ATTRIBUTES_SHIFT | prot;
    }

    /** The frame of {@code mapping}; -1 for {@link #NONE}. */
    public static int frame(long mapping) {
        return (int) (mapping >> FRAME_SHIFT);
    }

    /** The {@link Prot} bits of {@code mapping}; {@link Prot#NONE} for {@link #NONE}. */
    public static int prot(long mapping) {
        return mapping == NONE ? Prot.NONE : (int) mapping & Prot.ALL;
    }

    /** The attributes of {@code mapping}; 0 for {@link #NONE}. */
    public static int attributes(long mapping) {
        return mapping == NONE ? 0 : (int) (mapping >> ATTRIBUTES_SHIFT) & ATTRIBUTES_MASK;
    }

    /** The attribute bits that say {@code memattr}, a {@link MemoryAttribute}. */
    public static int ofMemory(int memattr) {
        return (memattr & MEMORY_MASK) << MEMORY_SHIFT;
    }

    /** The {@link MemoryAttribute} that {@code attributes} say. */
    public static int memory(int attributes) {
        return attributes >> MEMORY_SHIFT & MEMORY_MASK;
    }
}
