// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import penumbra.hw.MappingVisitor;
import penumbra.hw.MmuMapping;
import penumbra.hw.MmuReports;

/**
 * What is kept of one space's mappings while the MMU is changed: accessed and modified bits go to the pages at once,
 * and mappings that no fault brings back are remembered.
 */
final class Harvest implements MappingVisitor {
    /** What a remembered mapping does not keep of its attributes, because it has been reported. */
    private static final int REPORTED = MmuMapping.ACCESSED | MmuMapping.MODIFIED;

    private final SpacePmap pmap;
    private final MmuReports reports;
    private final MappingList kept = new MappingList();

    /** Nothing yet of {@code pmap}; {@code reports} is where accessed and modified bits go. */
    Harvest(SpacePmap pmap, MmuReports reports) {
        this.pmap = pmap;
        this.reports = reports;
    }

    /** Whose mappings these are. */
    SpacePmap pmap() {
        return pmap;
    }

    /** The mappings that no fault brings back: those of the kernel, wired ones, and those of unmanaged pages. */
    MappingList kept() {
        return kept;
    }

    @Override
    public void mapping(long page, int frame, int prot, int attributes) {
        boolean managed = (attributes & MmuMapping.MANAGED) != 0;
        if (managed && (attributes & MmuMapping.MODIFIED) != 0) {
            reports.modified(frame);
        }
        if (managed && (attributes & MmuMapping.ACCESSED) != 0) {
            reports.referenced(frame);
        }
        boolean stays = pmap.isKernel() || !managed || (attributes & MmuMapping.WIRED) != 0;
        if (stays) {
            kept.mapping(page, frame, prot, attributes & ~REPORTED);
        }
    }
}
