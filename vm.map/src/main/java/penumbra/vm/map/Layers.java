// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PmapSystem;
import penumbra.object.VmObjects;
import penumbra.page.Pages;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/**
 * What lies below the maps.
 *
 * @param machine where programs run and threads sleep
 * @param pmaps the mappings as the hardware sees them
 * @param pages memory
 * @param objects what is mapped
 * @param pagers where contents come from
 * @param swap the swapped pages of objects
 * @param accounting the ledger of promised swap
 */
record Layers(
        Machine machine,
        PmapSystem pmaps,
        Pages pages,
        VmObjects objects,
        Pagers pagers,
        SwapSpace swap,
        SwapAccounting accounting) {
    /** Whether known defects of the original are mended. */
    boolean corrected() {
        return machine.fidelity().corrected();
    }
}
