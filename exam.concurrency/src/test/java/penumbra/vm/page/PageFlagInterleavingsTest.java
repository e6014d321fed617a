// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;
import penumbra.page.PageFlags;

/** The atomic flags of a page, which change without a lock. */
@Param(name = "allowed", gen = BooleanGen.class)
public class PageFlagInterleavingsTest {
    private final VmPage page = new VmPage(null, 1, 0);

    /** The flags. */
    public static class Model {
        private int flags;

        /** Allows writing, or forbids it. */
        public void setWriteable(boolean allowed) {
            flags = allowed ? flags | PageFlags.A_WRITEABLE : flags & ~PageFlags.A_WRITEABLE;
        }

        /** Notes a reference. */
        public void refer() {
            flags |= PageFlags.A_REFERENCED;
        }

        /** Forgets references. */
        public void forget() {
            flags &= ~PageFlags.A_REFERENCED;
        }

        /** The flags. */
        public int flags() {
            return flags;
        }
    }

    @Operation
    public void setWriteable(@Param(name = "allowed") boolean allowed) {
        page.setWriteable(allowed);
    }

    @Operation
    public void refer() {
        page.noteReferenced();
    }

    @Operation
    public void forget() {
        page.clearAflags(PageFlags.A_REFERENCED);
    }

    @Operation
    public int flags() {
        return page.aflags() & 0xFF;
    }

    @Test
    void noFlagIsLost() {
        Operations.explore(PageFlagInterleavingsTest.class, Model.class);
    }
}
