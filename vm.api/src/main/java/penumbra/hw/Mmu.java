// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A kind of memory management hardware: how translations are kept, and how the mappings of a frame are found.
 *
 * <p>For others to implement. {@code vm.pmap} is its only caller and wraps it: an exception out of it makes every page
 * marked writeable dirty and parks the MMU. The implementation locks for itself with locks of rank {@code PMAP} and
 * {@code PV}, gets its tables from frames of {@link SegmentUse#TABLES}, and shoots down TLBs through the {@link
 * Machine} before a method that removes or weakens a translation returns. It knows frames, never pages: what the
 * hardware saw goes to the {@link MmuReports}.
 */
@ConsumerType
public interface Mmu {
    /** The name that commands use: {@code "amd64"}. */
    String name();

    /**
     * Starts afresh with no address space.
     *
     * @param machine whose TLBs are shot down
     * @param memory where the tables live
     * @param reports where accessed and modified bits of vanishing mappings go
     */
    void attach(Machine machine, PhysicalMemory memory, MmuReports reports);

    /** Gives every table back. */
    void detach();

    /**
     * Makes an empty address space.
     *
     * @param asid its tag in TLBs
     */
    MmuSpace create(int asid);

    /** Removes every managed mapping of {@code frame}, reporting their bits. */
    void removeAll(int frame);

    /** Write-protects every managed mapping of {@code frame}, reporting modified bits. */
    void removeWrite(int frame);

    /** Whether some managed mapping of {@code frame} is modified. */
    boolean isModified(int frame);

    /** Clears the modified bits of all managed mappings of {@code frame}. */
    void clearModify(int frame);

    /** Whether some managed mapping of {@code frame} is accessed. */
    boolean isReferenced(int frame);

    /** Clears accessed bits of managed mappings of {@code frame} and counts them; stops at {@code max}. */
    int testAndClearReferenced(int frame, int max);

    /** Whether {@code frame} has a managed mapping. */
    boolean isMapped(int frame);

    /** Whether one of the first {@code most} managed mappings of {@code frame} is in space {@code asid}. */
    boolean isMappedBy(int asid, int frame, int most);

    /** How many wired managed mappings {@code frame} has. */
    int wiredMappings(int frame);
}
