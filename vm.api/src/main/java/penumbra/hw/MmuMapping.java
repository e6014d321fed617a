// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

/** The attribute bits of a mapping besides its protection. */
public final class MmuMapping {
    /** Stays until it is removed expressly. */
    public static final int WIRED = 1;
    /** Is in the list of its frame's mappings. */
    public static final int MANAGED = 2;
    /** Was accessed since the bit was last cleared. */
    public static final int ACCESSED = 4;
    /** Was written since the bit was last cleared. */
    public static final int MODIFIED = 8;

    private MmuMapping() {}
}
