// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.Machine;
import penumbra.hw.MmuReports;
import penumbra.hw.PhysicalMemory;

/**
 * What the spaces of one machine have in common.
 *
 * @param machine whose TLBs are shot down
 * @param memory where tables and pages are
 * @param reports where accessed and modified bits go
 * @param tables the frames for tables
 * @param pv for each frame, the mappings of it
 */
record Shared(Machine machine, PhysicalMemory memory, MmuReports reports, TableFrames tables, PvLists pv) {
    /** Reports the bits of the managed mapping {@code pte}, which goes away. */
    void report(long pte) {
        if ((pte & Pte.DIRTY) != 0) {
            reports.modified(Pte.frame(pte));
        }
        if ((pte & Pte.ACCESSED) != 0) {
            reports.referenced(Pte.frame(pte));
        }
        if (!pv.isMapped(Pte.frame(pte))) {
            reports.unmapped(Pte.frame(pte));
        }
    }
}
