// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The one stable face of whichever MMU is active: address spaces, and what concerns all mappings of one page.
 *
 * <p>Page operations are called with the owner's lock held unless said otherwise; they lock for themselves below that,
 * never block, and return when no CPU uses a removed or weakened translation any more. Fictitious and unmanaged pages
 * have no list of mappings: for them the operations do nothing.
 */
@ProviderType
public interface PmapSystem {
    /** Makes an empty address space ({@code pmap_pinit}). */
    Pmap create();

    /** The kernel's own space. */
    Pmap kernel();

    /** Tells where the page of a frame is found, or forgets it with null; the page layer calls it when it starts. */
    void setPages(@Nullable PageOfFrame pages);

    /**
     * Removes every mapping of {@code page}, reports their bits, clears its writeable mark ({@code pmap_remove_all}).
     */
    void removeAll(PhysicalPage page);

    /**
     * Write-protects every mapping of {@code page}, reports modified bits, clears its writeable mark
     * ({@code pmap_remove_write}).
     */
    void removeWrite(PhysicalPage page);

    /** Whether some mapping of {@code page} is modified ({@code pmap_is_modified}). */
    boolean isModified(PhysicalPage page);

    /** Clears the modified bits of all mappings of {@code page} ({@code pmap_clear_modify}). */
    void clearModify(PhysicalPage page);

    /** Whether some mapping of {@code page} is accessed ({@code pmap_is_referenced}). */
    boolean isReferenced(PhysicalPage page);

    /** Clears accessed bits of mappings of {@code page} and counts them, 5 at most ({@code pmap_ts_referenced}). */
    int testAndClearReferenced(PhysicalPage page);

    /** Whether some managed mapping of {@code page} exists ({@code pmap_page_is_mapped}). */
    boolean isMapped(PhysicalPage page);

    /** How many managed wired mappings {@code page} has ({@code pmap_page_wired_mappings}). */
    int wiredMappings(PhysicalPage page);

    /** Zeroes the page's frame ({@code pmap_zero_page}); no lock needed, the page is busy. */
    void zeroPage(PhysicalPage page);

    /** Zeroes {@code length} bytes from {@code offset} ({@code pmap_zero_page_area}). */
    void zeroPageArea(PhysicalPage page, int offset, int length);

    /** Copies a whole page ({@code pmap_copy_page}); both are busy, or the source cannot change. */
    void copyPage(PhysicalPage from, PhysicalPage to);

    /**
     * Copies {@code length} bytes that begin {@code fromOffset} bytes into the first page of {@code from} to where
     * {@code toOffset} bytes of {@code to} are ({@code pmap_copy_pages}); all of these pages are busy, wired or held.
     */
    void copyPages(
            List<? extends PhysicalPage> from,
            long fromOffset,
            List<? extends PhysicalPage> to,
            long toOffset,
            int length);

    /**
     * Maps {@code pages} into the kernel's space, one behind the other from {@code address} on, for reading and writing
     * and without keeping track of it ({@code pmap_qenter}). They stay mapped until {@link #qremove}, whatever becomes
     * of the pages.
     */
    void qenter(long address, List<? extends PhysicalPage> pages);

    /** Removes {@code count} mappings of the kernel from {@code address} on ({@code pmap_qremove}). */
    void qremove(long address, int count);

    /** The name of the active MMU: {@code "amd64"}. */
    String mmuName();

    /** The names of the MMUs that could serve: those that are there and have not failed. */
    List<String> mmuNames();

    /**
     * Lets the MMU called {@code name} serve from now on whenever it is there. Stops every CPU for the change: accessed
     * and modified bits go to the pages; wired, unmanaged and kernel mappings are made again, others come back by
     * faults. The caller is in kernel mode. Blocks until it is done.
     *
     * @return whether it serves; false and nothing has changed when there is none of that name or it has failed
     */
    boolean useMmu(String name);

    /** How often the MMU has been changed since boot. */
    long mmuSwitches();

    /** Whether {@link Pmap#copy} and superpages are used; off when every step is compared with the original. */
    boolean optimised();
}
