// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import java.util.function.ObjLongConsumer;
import penumbra.account.SwapAccounting;
import penumbra.hw.PageSize;
import penumbra.inspect.CounterSource;
import penumbra.kern.Counter;

/** What the swap pager counts, under FreeBSD's names where it has them. */
final class SwapFigures implements CounterSource {
    final Counter pageIns = new Counter("vm.stats.vm.v_swapin");
    final Counter pagesIn = new Counter("vm.stats.vm.v_swappgsin");
    final Counter pageOuts = new Counter("vm.stats.vm.v_swapout");
    final Counter pagesOut = new Counter("vm.stats.vm.v_swappgsout");
    final Counter readErrors = new Counter("vm.swap.read_errors");

    /** Page-ins that waited in vain for a store that has left. */
    final Counter parkedReads = new Counter("vm.swap.parked_reads");

    final Counter writeErrors = new Counter("vm.swap.write_errors");

    /** Pages whose slot held something else than was written there. */
    final Counter wrongContents = new Counter("vm.swap.wrong_contents");

    /** Pages moved from one store to another, or to memory. */
    final Counter moved = new Counter("vm.swap.moved");

    /** Clusters in which they were moved. */
    final Counter clusters = new Counter("vm.swap.move_clusters");

    /** Blocks of location maps that movers looked at. */
    final Counter visited = new Counter("vm.swap.move_visits");

    /** Pages that movers could not read, and left where they are. */
    final Counter unreadable = new Counter("vm.swap.move_unreadable");

    /** Buffers that there are for transfers: as many as there were ever transfers at once. */
    final Counter buffers = new Counter("vm.swap.buffers");

    private final StoreSpace space;
    private final SwapAccounting accounting;

    SwapFigures(StoreSpace space, SwapAccounting accounting) {
        this.space = space;
        this.accounting = accounting;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        Counter[] counters = {
            pageIns,
            pagesIn,
            pageOuts,
            pagesOut,
            readErrors,
            parkedReads,
            writeErrors,
            wrongContents,
            moved,
            clusters,
            visited,
            unreadable,
            buffers
        };
        for (Counter counter : counters) {
            visitor.accept(counter.name(), counter.get());
        }
        visitor.accept("vm.swap_total", PageSize.bytes(space.total()));
        visitor.accept("vm.swap_avail", PageSize.bytes(space.available()));
        visitor.accept("vm.swap_reserved", accounting.reserved());
        visitor.accept("vm.overcommit", accounting.overcommit());
    }
}
