// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ProviderType;

/** Where an {@link Mmu} reports what vanishing managed mappings had seen; called under its locks. */
@ProviderType
public interface MmuReports {
    /** A mapping of {@code frame} with the modified bit set lost it or went away. */
    void modified(int frame);

    /** A mapping of {@code frame} with the accessed bit set went away. */
    void referenced(int frame);

    /** {@code frame} has no managed mapping any more: its last one went away. */
    void unmapped(int frame);

    /**
     * Whether an MMU may trade exactness for speed: combine mappings into superpages, and leave the modified bits of a
     * range that is write-protected where they are, in mappings that {@link Mmu#isModified} and {@link Mmu#removeWrite}
     * still find.
     */
    default boolean optimised() {
        return false;
    }
}
