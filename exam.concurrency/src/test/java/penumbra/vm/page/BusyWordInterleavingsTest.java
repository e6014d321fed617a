// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.junit.jupiter.api.Test;
import penumbra.exam.concurrency.Operations;

/** A page that is busy, exclusively or shared: a word that changes without a lock. */
@Param(name = "who", gen = ThreadIdGen.class)
public class BusyWordInterleavingsTest {
    private static final int THREADS = 4;

    private final VmPage page = new VmPage(null, 1, 0);
    private final Model mine = new Model();

    /** Who owns the page, and how often who shares it: also each thread's own book. */
    public static class Model {
        private final int[] shares = new int[THREADS];
        private final boolean[] owns = new boolean[THREADS];

        private boolean anybodyOwns() {
            boolean any = false;
            for (boolean one : owns) {
                any |= one;
            }
            return any;
        }

        private int allShares() {
            int all = 0;
            for (int some : shares) {
                all += some;
            }
            return all;
        }

        /** Becomes the owner. */
        public boolean own(int who) {
            boolean free = !anybodyOwns() && allShares() == 0;
            owns[who] |= free;
            return free;
        }

        /** Is the owner no more. */
        public boolean disown(int who) {
            boolean did = owns[who];
            owns[who] = false;
            return did;
        }

        /** Shares once more. */
        public boolean share(int who) {
            boolean free = !anybodyOwns();
            shares[who] += free ? 1 : 0;
            return free;
        }

        /** Shares once less. */
        public boolean unshare(int who) {
            boolean did = shares[who] > 0;
            shares[who] -= did ? 1 : 0;
            return did;
        }

        /** Shares what it owned. */
        public boolean downgrade(int who) {
            boolean did = disown(who);
            shares[who] += did ? 1 : 0;
            return did;
        }

        /** How often the page is shared. */
        public int sharers() {
            return allShares();
        }
    }

    @Operation
    public boolean own(@Param(name = "who") int who) {
        boolean did = page.tryXbusy();
        mine.owns[who] |= did;
        return did;
    }

    @Operation
    public boolean disown(@Param(name = "who") int who) {
        boolean did = mine.disown(who);
        if (did) {
            page.xunbusy();
        }
        return did;
    }

    @Operation
    public boolean share(@Param(name = "who") int who) {
        boolean did = page.trySbusy();
        mine.shares[who] += did ? 1 : 0;
        return did;
    }

    @Operation
    public boolean unshare(@Param(name = "who") int who) {
        boolean did = mine.unshare(who);
        if (did) {
            page.sunbusy();
        }
        return did;
    }

    @Operation
    public boolean downgrade(@Param(name = "who") int who) {
        boolean did = mine.downgrade(who);
        if (did) {
            page.busyDowngrade();
        }
        return did;
    }

    @Operation
    public int sharers() {
        return page.sharedBusy();
    }

    @Test
    void oneOwnerOrAnyNumberOfSharers() {
        Operations.explore(BusyWordInterleavingsTest.class, Model.class);
    }
}
