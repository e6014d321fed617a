// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.amd64;

import penumbra.hw.Mmu;
import penumbra.hw.MmuContract;

class Amd64MmuTest extends MmuContract {
    @Override
    protected Mmu create() {
        return new Amd64Mmu();
    }
}
