// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import penumbra.kern.Execution;
import penumbra.kern.Fidelity;
import penumbra.kern.KernelPanic;
import penumbra.kern.SleepQueue;
import penumbra.kern.SteppedSleepQueue;
import penumbra.kern.VirtualClock;

/**
 * A {@link Machine} without CPUs, whose TLB never forgets by itself: what an {@link Mmu} does not shoot down stays, so
 * that a test can tell what it should have shot down.
 */
public final class TlbModel implements Machine {
    private final SleepQueue sleepQueue = new SteppedSleepQueue();
    private final VirtualClock clock = new VirtualClock();
    private final Map<Tag, Long> entries = new HashMap<>();
    private @Nullable KernelPanic panic;

    /** One page of one space. */
    public record Tag(int asid, long page) {}

    /** Remembers a translation, as a CPU does after a walk. */
    public void fill(int asid, long page, long entry) {
        entries.put(new Tag(asid, page), entry);
    }

    /** What a CPU could still use. */
    public Map<Tag, Long> entries() {
        return Map.copyOf(entries);
    }

    @Override
    public Execution execution() {
        return Execution.STEPPED;
    }

    @Override
    public Fidelity fidelity() {
        return Fidelity.CORRECTED;
    }

    @Override
    public List<Cpu> cpus() {
        return List.of();
    }

    @Override
    public SleepQueue sleepQueue() {
        return sleepQueue;
    }

    @Override
    public VirtualClock clock() {
        return clock;
    }

    @Override
    public void setTrapHandler(@Nullable TrapHandler handler) {
        throw new UnsupportedOperationException("no CPU traps here");
    }

    @Override
    public void invalidatePage(int asid, long page) {
        entries.remove(new Tag(asid, page));
    }

    @Override
    public void invalidateRange(int asid, long start, long end) {
        entries.keySet().removeIf(tag -> tag.asid() == asid && tag.page() >= start && tag.page() < end);
    }

    @Override
    public void invalidateSpace(int asid) {
        entries.keySet().removeIf(tag -> tag.asid() == asid);
    }

    @Override
    public void invalidateAll() {
        entries.clear();
    }

    @Override
    public void stopped(Runnable action) {
        action.run();
        entries.clear();
    }

    @Override
    public void halt(KernelPanic cause) {
        panic = cause;
    }

    @Override
    public @Nullable KernelPanic panic() {
        return panic;
    }
}
