// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;

/** A number that a lock guards. */
public class LockInterleavingsTest {
    private final KernelLock lock = new KernelLock(LockRank.OBJECT, "object");
    private int count;

    /** A number. */
    public static class Model {
        private int count;

        /** Counts. */
        public int count() {
            return ++count;
        }
    }

    @Operation
    public int count() {
        lock.lock();
        int now = ++count;
        lock.unlock();
        return now;
    }

    @Test
    void aLockKeepsOneOut() {
        Operations.explore(LockInterleavingsTest.class, Model.class);
    }
}
