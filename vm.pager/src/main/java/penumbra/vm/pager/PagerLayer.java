// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.List;
import java.util.concurrent.TimeUnit;
import penumbra.account.SwapAccounting;
import penumbra.hw.Machine;
import penumbra.hw.PhysicalMemory;
import penumbra.inspect.CounterSource;
import penumbra.inspect.InvariantCheck;
import penumbra.kern.Execution;
import penumbra.page.Pages;
import penumbra.pager.BackingStore;
import penumbra.pager.Pager;
import penumbra.pager.Pagers;
import penumbra.pager.SwapSpace;

/** The pager layer of one machine, wired together: what a container's services and a test's hands both get. */
public final class PagerLayer implements AutoCloseable {
    private final StoreTable stores;
    private final StoreArrivals arrivals;
    private final Drains drains;
    private final SwapLedger ledger;
    private final SwapFigures figures;
    private final SwapTransfers transfers;
    private final SwapSpaces swap;
    private final PagerTable table;
    private final List<InvariantCheck> checks;
    private final PagerLimits limits = new PagerLimits();
    private final Execution execution;

    /** A layer without stores and foreign pagers. */
    public PagerLayer(Machine machine, PhysicalMemory memory, Pages pages) {
        execution = machine.execution();
        MapList list = new MapList();
        stores = new StoreTable(machine, list);
        StoreSpace space = new StoreSpace(stores);
        ledger = new SwapLedger(space, pages);
        figures = new SwapFigures(space, ledger);
        SwapMaps maps = new SwapMaps(space, list);
        transfers = new SwapTransfers(machine, memory, pages, stores, space, maps, figures);
        SwapPager swapPager = new SwapPager(maps, stores, space, transfers, ledger, pages, machine.fidelity());
        MovingParts parts = new MovingParts(maps, space, transfers, pages, figures);
        drains = new Drains(parts, stores, machine);
        SwapOff swapOff = new SwapOff(maps, stores, space, swapPager, pages, machine.fidelity());
        swap = new SwapSpaces(parts, stores, swapPager, swapOff, drains);
        ContentsCheck contents = new ContentsCheck(list, stores, transfers);
        arrivals = new StoreArrivals(stores, space, list.holdings(), drains, contents);
        table = new PagerTable(
                machine,
                pages,
                stores,
                limits,
                List.of(swapPager, new DefaultPager(swapPager, ledger, pages), new DeadPager(pages)));
        checks = List.of(new LocationCheck(list, stores, ledger), contents);
    }

    /** The face of all pagers. */
    public Pagers pagers() {
        return table;
    }

    /** The swap pager as objects see it. */
    public SwapSpace swap() {
        return swap;
    }

    /** The ledger of reservations. */
    public SwapAccounting accounting() {
        return ledger;
    }

    /** What this layer counts. */
    public CounterSource counters() {
        return figures;
    }

    /** What must hold in this layer: locations and counts, and the contents of every slot. */
    public List<InvariantCheck> checks() {
        return checks;
    }

    /** What must hold of locations and counts, which costs no I/O. */
    public InvariantCheck check() {
        return checks.get(0);
    }

    /**
     * Takes a store into use ({@code swapon}), or back, if pages wait for one of its identity. The stores of the
     * highest ranking get the new pages, in turns. No lock is held. May block.
     *
     * @return false when it is in use already or is not the one that left; the log says why
     */
    public boolean attach(BackingStore store, int ranking) {
        return arrivals.attach(store, ranking);
    }

    /**
     * Lets a store's provider go: moves its pages to other stores, or to memory, for as long as
     * {@link #setLeavingMillis} says, then waits for transfers under way; pages left in it wait for its return. No lock
     * is held.
     */
    public void detach(BackingStore store) {
        arrivals.detach(store);
    }

    /** Adds a pager; the one with the highest ranking fills the objects of its type. */
    public void add(Pager pager, int ranking) {
        table.add(pager, ranking);
    }

    /** Takes a pager away as soon as no call of it is under way. No lock is held. */
    public void remove(Pager pager) {
        table.remove(pager);
    }

    /** Sets how many page-outs of the daemon may be under way at a time, 1 to 128 ({@code vm.swap_async_max}). */
    public void setAsyncWrites(int limit) {
        transfers.setAsyncWrites(limit);
    }

    /**
     * Sets how long reads wait for a pager or store that has left, and how long one call of a foreign pager may take
     * before it is parked. At first, and always in a stepped machine, nobody waits and a call may take for ever.
     */
    public void setLimits(long absentMillis, long callMillis) {
        if (execution == Execution.STEPPED) {
            return;
        }
        limits.set(TimeUnit.MILLISECONDS.toNanos(absentMillis), TimeUnit.MILLISECONDS.toNanos(callMillis));
        transfers.setParkedNanos(limits.absentNanos());
    }

    /** Sets how long a store that leaves is drained; at first, and always in a stepped machine, not at all. */
    public void setLeavingMillis(long millis) {
        if (execution == Execution.THREADED) {
            drains.setLeavingNanos(TimeUnit.MILLISECONDS.toNanos(millis));
        }
    }

    /** Ends the layer as the machine is halted: waits for transfers, and tells the stores that their pages are gone. */
    @Override
    public void close() {
        drains.close();
        transfers.close();
        stores.retireAll();
    }
}
