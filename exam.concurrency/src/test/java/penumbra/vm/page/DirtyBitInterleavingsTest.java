// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.page.Page;

/** The dirty bits of a page, all of which an MMU may set while a part of the page is cleaned. */
@Param(name = "block", gen = IntGen.class, conf = "0:1")
public class DirtyBitInterleavingsTest {
    private static final int BLOCK = 512;

    private final VmPage page = new VmPage(null, 1, 0);

    /** The dirty bits. */
    public static class Model {
        private int dirty;

        /** Notes a modification. */
        public void modify() {
            dirty = Page.ALL;
        }

        /** Cleans a part. */
        public void clean(int block) {
            dirty &= ~(1 << block);
        }

        /** The bits. */
        public int dirty() {
            return dirty;
        }
    }

    @Operation
    public void modify() {
        page.noteModified();
    }

    @Operation
    public void clean(@Param(name = "block") int block) {
        page.clearDirty(block * BLOCK, BLOCK);
    }

    @Operation
    public int dirty() {
        return page.dirty();
    }

    @Test
    void noModificationIsLost() {
        Operations.explore(DirtyBitInterleavingsTest.class, Model.class);
    }
}
