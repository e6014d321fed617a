// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.VirtualClock;

/**
 * The simulated machine: its CPUs, its clock, the shootdown of their TLBs, and the two switches that every part of the
 * kernel follows, {@link #execution()} and {@link #fidelity()}.
 *
 * <p>TLB safety: when an invalidation returns, no CPU uses the old translation any more and none is in the middle of an
 * access through it. The caller must have changed the tables before. An invalidation may be called with any lock held
 * and from a trap; it waits for CPUs in user mode to reach the end of their current access, never for another caller.
 */
@ProviderType
public interface Machine {
    /** How activities are driven; fixed for the life of the machine. */
    Execution execution();

    /** Which truth the kernel follows; fixed for the life of the machine. */
    Fidelity fidelity();

    /** The CPUs, by number. */
    List<Cpu> cpus();

    /** The devices whose memory can be mapped, by number. */
    default List<Device> devices() {
        return List.of();
    }

    /** Where this machine's threads sleep. */
    SleepQueue sleepQueue();

    /** Time since boot. */
    VirtualClock clock();

    /** Registers the kernel's page fault entry, or takes it away with null; one at a time, else panics. */
    void setTrapHandler(@Nullable TrapHandler handler);

    /**
     * Forgets the translation of one page in every TLB.
     *
     * @param asid the space
     * @param page the virtual page number
     */
    void invalidatePage(int asid, long page);

    /** Forgets the translations of pages {@code [start, end)} of space {@code asid} in every TLB. */
    void invalidateRange(int asid, long start, long end);

    /** Forgets every translation of space {@code asid} in every TLB. */
    void invalidateSpace(int asid);

    /** Forgets every translation in every TLB. */
    void invalidateAll();

    /**
     * Runs {@code action} while no CPU is in user mode; afterwards every TLB is empty. Used to change the MMU. The
     * caller is in kernel mode and holds no lock that a trap may need.
     */
    void stopped(Runnable action);

    /**
     * Stops the machine for good: every CPU in user mode leaves with {@code panic}, and every sleep ends with it; the
     * state stays readable.
     */
    void halt(KernelPanic panic);

    /** Why the machine was halted; null while it runs. */
    @Nullable
    KernelPanic panic();
}
