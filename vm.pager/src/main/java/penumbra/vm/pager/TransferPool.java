// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Counter;
import penumbra.kern.KernelLock;
import penumbra.kern.LockRank;
import penumbra.kern.SleepQueue;

/** The transfers of one kind, no more at a time than its limit ({@code nsw_rcount} and its like). Thread-safe. */
final class TransferPool {
    private final KernelLock lock = new KernelLock(LockRank.LEAF, "swap transfers");
    private final ArrayDeque<Transfer> idle = new ArrayDeque<>();
    private final SleepQueue sleepQueue;
    private final Counter existing;
    private final String waitMessage;
    private int limit;
    private int taken;

    /** A pool that counts in {@code existing} what it makes. */
    TransferPool(SleepQueue sleepQueue, Counter existing, int limit, String waitMessage) {
        this.sleepQueue = sleepQueue;
        this.existing = existing;
        this.limit = limit;
        this.waitMessage = waitMessage;
    }

    void setLimit(int limit) {
        lock.lock();
        this.limit = limit;
        sleepQueue.wakeup(this);
        lock.unlock();
    }

    /** Takes a transfer; waits while the limit is reached. No object is locked. */
    Transfer take() {
        lock.lock();
        while (taken >= limit) {
            sleepQueue.sleep(this, lock, waitMessage);
        }
        return claim();
    }

    /** Takes a transfer; null when the limit is reached. */
    @Nullable
    Transfer tryTake() {
        lock.lock();
        if (taken >= limit) {
            lock.unlock();
            return null;
        }
        return claim();
    }

    private Transfer claim() {
        taken++;
        @Nullable Transfer transfer = idle.pollFirst();
        lock.unlock();
        if (transfer == null) {
            transfer = new Transfer();
            existing.increment();
        }
        return transfer;
    }

    /** Gives a transfer back. */
    void give(Transfer transfer) {
        transfer.clear();
        lock.lock();
        idle.addFirst(transfer);
        taken--;
        sleepQueue.wakeup(this);
        lock.unlock();
    }

    /** How many transfers are under way. */
    int taken() {
        lock.lock();
        int now = taken;
        lock.unlock();
        return now;
    }

    /** Waits until none is under way. */
    void drain() {
        lock.lock();
        while (taken > 0) {
            sleepQueue.sleep(this, lock, waitMessage);
        }
        lock.unlock();
    }
}
