// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.account.SwapAccounting;
import penumbra.hw.PageSize;
import penumbra.kern.KernelLock;
import penumbra.kern.KernelPanic;
import penumbra.kern.LockRank;
import penumbra.page.Pages;

/** The ledger of swap promised: one sum for the machine, one for each user ({@code swap_reserve_by_cred}). */
final class SwapLedger implements SwapAccounting {
    private static final int ALL_LIMITS = LIMIT_TOTAL | LIMIT_USER | COUNT_MEMORY;

    private final KernelLock lock = new KernelLock(LockRank.LEAF, "swap reservations");
    private final Map<Cred, Account> accounts = new HashMap<>();
    private final StoreSpace space;
    private final Pages pages;
    private long reserved;
    private volatile int overcommit;

    private static final class Account {
        long reserved;
        long limit = Long.MAX_VALUE;
    }

    SwapLedger(StoreSpace space, Pages pages) {
        this.space = space;
        this.pages = pages;
    }

    @Override
    public boolean reserve(long bytes, Cred cred) {
        check(bytes);
        long limit = (overcommit & LIMIT_TOTAL) == 0 || cred.privileged() ? Long.MAX_VALUE : limit();
        boolean limitUser = (overcommit & LIMIT_USER) != 0 && !cred.privileged();
        lock.lock();
        Account account = account(cred);
        boolean allowed = reserved + bytes <= limit && (!limitUser || bytes <= account.limit - account.reserved);
        if (allowed) {
            reserved += bytes;
            account.reserved += bytes;
        }
        lock.unlock();
        return allowed;
    }

    /** What may be promised in all, in bytes. */
    private long limit() {
        long all = space.total();
        if ((overcommit & COUNT_MEMORY) != 0) {
            all += pages.limits().pageCount()
                    - pages.limits().freeReserved()
                    - pages.counts().wired();
        }
        return PageSize.bytes(all);
    }

    @Override
    public void reserveForce(long bytes, Cred cred) {
        check(bytes);
        lock.lock();
        reserved += bytes;
        account(cred).reserved += bytes;
        lock.unlock();
    }

    @Override
    public void release(long bytes, Cred cred) {
        check(bytes);
        lock.lock();
        Account account = account(cred);
        if (bytes > reserved || bytes > account.reserved) {
            throw new KernelPanic(
                    "swap release: %d bytes of user %d, but only %d of all and %d of the user's are reserved",
                    bytes, cred.uid(), reserved, account.reserved);
        }
        reserved -= bytes;
        account.reserved -= bytes;
        lock.unlock();
    }

    private static void check(long bytes) {
        if (bytes < 0 || (bytes & PageSize.MASK) != 0) {
            throw new KernelPanic("swap reservation: %d bytes are no whole pages", bytes);
        }
    }

    private Account account(Cred cred) {
        return accounts.computeIfAbsent(cred, key -> new Account());
    }

    @Override
    public long reserved() {
        lock.lock();
        long sum = reserved;
        lock.unlock();
        return sum;
    }

    @Override
    public long reserved(int uid) {
        lock.lock();
        @Nullable Account account = accounts.get(new Cred(uid));
        long sum = account == null ? 0 : account.reserved;
        lock.unlock();
        return sum;
    }

    /** What the users' reservations add up to: {@link #reserved()}, or something is wrong. */
    long sumOfUsers() {
        lock.lock();
        long sum = accounts.values().stream()
                .mapToLong(account -> account.reserved)
                .sum();
        lock.unlock();
        return sum;
    }

    @Override
    public int overcommit() {
        return overcommit;
    }

    @Override
    public void setOvercommit(int bits) {
        if ((bits & ~ALL_LIMITS) != 0) {
            throw new IllegalArgumentException("vm.overcommit: " + bits + " is not 0 to " + ALL_LIMITS);
        }
        overcommit = bits;
    }

    @Override
    public void setUserLimit(int uid, long bytes) {
        lock.lock();
        account(new Cred(uid)).limit = bytes;
        lock.unlock();
    }
}
