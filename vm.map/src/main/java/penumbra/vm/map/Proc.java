// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
import penumbra.process.Limit;
import penumbra.process.Process;

/** An entry of the {@link ProcessTable}. */
final class Proc implements Process {
    private final int pid;
    private final String name;
    private final Cred cred;
    private final long forkCharge;
    private volatile Space space;
    private volatile @Nullable String killReason;
    private volatile boolean isProtected;
    private final AtomicLongArray limits = new AtomicLongArray(Limit.values().length);
    private final Calls calls;

    /**
     * A process without limits.
     *
     * @param forkCharge the swap that its fork reserved, in bytes
     */
    Proc(int pid, String name, Cred cred, Space space, long forkCharge, WiringRules wiring) {
        for (int i = 0; i < limits.length(); i++) {
            limits.set(i, Limit.INFINITY);
        }
        this.calls = new Calls(space.layers(), this, wiring);
        this.pid = pid;
        this.name = name;
        this.cred = cred;
        this.space = space;
        this.forkCharge = forkCharge;
    }

    long forkCharge() {
        return forkCharge;
    }

    void setSpace(Space changed) {
        space = changed;
    }

    void kill(String reason) {
        killReason = reason;
    }

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Cred cred() {
        return cred;
    }

    @Override
    public Space space() {
        return space;
    }

    @Override
    public boolean killed() {
        return killReason != null;
    }

    @Override
    public String killReason() {
        String reason = killReason;
        return reason == null ? "" : reason;
    }

    @Override
    public boolean isProtected() {
        return isProtected;
    }

    @Override
    public void setProtected(boolean on) {
        isProtected = on;
    }

    @Override
    public long limit(Limit limit) {
        return limits.get(limit.ordinal());
    }

    @Override
    public void setLimit(Limit limit, long bytes) {
        limits.set(limit.ordinal(), bytes);
    }

    /** Takes over its parent's limits. */
    void inheritLimits(Proc parent) {
        for (Limit limit : Limit.values()) {
            setLimit(limit, parent.limit(limit));
        }
    }

    @Override
    public Calls calls() {
        return calls;
    }

    @Override
    public String toString() {
        return name + " (" + pid + ")";
    }
}
