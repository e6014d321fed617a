// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import java.util.function.Consumer;
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
 * <p>A parked MMU is called no more, since nobody knows what its tables say; every call ends in a panic that names it.
 */
final class GuardedMmu implements Mmu {
    private final Mmu mmu;
    private final String name;
    private final Consumer<KernelPanic> onFailure;
    private volatile @Nullable KernelPanic parked;

    /** Guards {@code mmu}; {@code onFailure} is told once, when it fails. */
    GuardedMmu(Mmu mmu, Consumer<KernelPanic> onFailure) {
        this.mmu = mmu;
        this.name = mmu.name();
        this.onFailure = onFailure;
    }

    /** The panic for what came out of the MMU. */
    KernelPanic failed(Throwable thrown) {
        if (thrown instanceof KernelPanic) {
            return (KernelPanic) thrown;
        }
        KernelPanic panic = new KernelPanic(thrown, "mmu " + name + " failed: " + thrown);
        boolean first = park(panic);
        if (first) {
            onFailure.accept(panic);
        }
        return panic;
    }

    private synchronized boolean park(KernelPanic panic) {
        boolean first = parked == null;
        if (first) {
            parked = panic;
        }
        return first;
    }

    /** Panics when the MMU is parked. */
    void check() {
        KernelPanic reason = parked;
        if (reason != null) {
            throw reason;
        }
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
    public int wiredMappings(int frame) {
        check();
        try {
            return mmu.wiredMappings(frame);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }
}
