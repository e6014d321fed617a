// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.BitSet;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;

/** The tags that tell spaces apart in TLBs: each is out once, and a freed one waits as long as there are others. */
final class AsidPool {
    /** The kernel's own. */
    static final int KERNEL = 0;

    private static final int ASIDS = 1 << 16;

    private final KernelLock lock = new KernelLock(LockRank.LEAF, "asid pool");
    private final BitSet taken = new BitSet();
    private int last = KERNEL;

    /** All tags but the kernel's are free. */
    AsidPool() {
        taken.set(KERNEL);
    }

    /** Takes a free tag; panics when {@value #ASIDS} spaces exist. */
    int take() {
        lock.lock();
        int asid = taken.nextClearBit(last + 1);
        if (asid >= ASIDS) {
            asid = taken.nextClearBit(KERNEL);
        }
        if (asid >= ASIDS) {
            throw new KernelPanic("pmap: %d address spaces exist, and there are no more tags", ASIDS);
        }
        taken.set(asid);
        last = asid;
        lock.unlock();
        return asid;
    }

    /** Frees {@code asid}, which every TLB has forgotten. */
    void give(int asid) {
        lock.lock();
        taken.clear(asid);
        lock.unlock();
    }
}
