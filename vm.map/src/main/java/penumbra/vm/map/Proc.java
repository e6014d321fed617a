// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import org.jspecify.annotations.Nullable;
import penumbra.account.Cred;
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

    /** @param forkCharge the swap that its fork reserved, in bytes */
    Proc(int pid, String name, Cred cred, Space space, long forkCharge) {
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
    public String toString() {
        return name + " (" + pid + ")";
    }
}
