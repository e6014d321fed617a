// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.IOException;
import penumbra.pager.BackingStore;
import penumbra.pager.SwapSpace.TransferProbe;

/** Lets the next few swap transfers fail, as a script asks. */
final class FailingTransfers implements TransferProbe {
    private int writes;
    private int reads;

    void fail(boolean write, int transfers) {
        if (write) {
            writes = transfers;
        } else {
            reads = transfers;
        }
    }

    @Override
    public void before(BackingStore store, boolean write, long slot, int pages) throws IOException {
        if (write ? writes > 0 : reads > 0) {
            if (write) {
                writes--;
            } else {
                reads--;
            }
            throw new IOException((write ? "write" : "read") + " of slot " + slot + " failed as the script asked");
        }
    }
}
