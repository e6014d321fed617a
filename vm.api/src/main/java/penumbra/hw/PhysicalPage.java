// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ProviderType;

/**
 * What the pmap layer knows of a page: its frame, and where to report what the hardware saw.
 *
 * <p>The page layer's page is one. The reports may come under pmap and PV locks, with or without the owner's lock, and
 * take no lock themselves.
 */
@ProviderType
public interface PhysicalPage {
    /** The number of the frame that holds the contents. */
    int frame();

    /** Whether the pmap layer keeps track of this page's mappings (no {@code VPO_UNMANAGED}). */
    boolean managed();

    /** The {@link MemoryAttribute} that it is to be mapped with ({@code pmap_page_get_memattr}). */
    int memattr();

    /**
     * Keeps the frame from being freed ({@code vm_page_hold}). Owner lock, or a mapping that cannot vanish; takes no
     * lock.
     */
    void hold();

    /** Whether some mapping may be writeable ({@code PGA_WRITEABLE}, {@code pmap_page_is_write_mapped}). */
    boolean writeable();

    /** Records that a writeable mapping exists ({@code true}) or that none does ({@code false}). */
    void setWriteable(boolean writeable);

    /** Records that a mapping that goes away had its modified bit set: all blocks are dirty ({@code vm_page_dirty}). */
    void noteModified();

    /** Records that a mapping that goes away had its accessed bit set ({@code PGA_REFERENCED}). */
    void noteReferenced();

    /** Records that an executable mapping was made ({@code PGA_EXECUTABLE}). */
    void noteExecutable();

    /** Whether the page is exclusive-busy: nobody may make a new mapping then. */
    boolean xbusied();
}
