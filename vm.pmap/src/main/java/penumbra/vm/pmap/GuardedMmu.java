// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import org.jspecify.annotations.Nullable;
import penumbra.hw.Machine;
import penumbra.hw.Mmu;
import penumbra.hw.MmuReports;
import penumbra.hw.MmuSpace;
import penumbra.hw.PhysicalMemory;
import penumbra.kern.KernelPanic;

/**
 * An {@link Mmu} that is not trusted: the first exception that it throws parks it.
 *
 * <p>A parked MMU is called no more, since nobody knows what its tables say; every call ends in {@link MmuFailed}. A
 * panic that comes out of it is the machine's own and passes.
 */
final class GuardedMmu implements Mmu {
    private final Mmu mmu;
    private final String name;
    private volatile @Nullable MmuFailed parked;

    /** Guards {@code mmu}. */
    GuardedMmu(Mmu mmu) {
        this.mmu = mmu;
        this.name = mmu.name();
    }

    /** Parks the MMU for what came out of it and returns what to throw; throws a panic on. */
    MmuFailed failed(Throwable thrown) {
        if (thrown instanceof KernelPanic panic) {
            throw panic;
        }
        return park(new MmuFailed(name, thrown));
    }

    private synchronized MmuFailed park(MmuFailed reason) {
        MmuFailed first = parked;
        if (first == null) {
            first = reason;
            parked = reason;
        }
        return first;
    }

    /** Throws when the MMU is parked. */
    void check() {
        MmuFailed reason = parked;
        if (reason != null) {
            throw reason;
        }
    }

    /** Why it is parked; null while it works. */
    @Nullable
    MmuFailed parked() {
        return parked;
    }

    /** Whether this guards {@code other}. */
    boolean guards(Mmu other) {
        return mmu == other;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void attach(Machine machine, PhysicalMemory memory, MmuReports reports) {
        try {
            mmu.attach(machine, memory, reports);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public void detach() {
        try {
            mmu.detach();
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public MmuSpace create(int asid) {
        check();
        try {
            return new GuardedSpace(this, mmu.create(asid));
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public void removeAll(int frame) {
        check();
        try {
            mmu.removeAll(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public void removeWrite(int frame) {
        check();
        try {
            mmu.removeWrite(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public boolean isModified(int frame) {
        check();
        try {
            return mmu.isModified(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public void clearModify(int frame) {
        check();
        try {
            mmu.clearModify(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public boolean isReferenced(int frame) {
        check();
        try {
            return mmu.isReferenced(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public int testAndClearReferenced(int frame, int max) {
        check();
        try {
            return mmu.testAndClearReferenced(frame, max);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public boolean isMapped(int frame) {
        check();
        try {
            return mmu.isMapped(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public boolean isMappedBy(int asid, int frame, int most) {
        check();
        try {
            return mmu.isMappedBy(asid, frame, most);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public int wiredMappings(int frame) {
        check();
        try {
            return mmu.wiredMappings(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }
}
