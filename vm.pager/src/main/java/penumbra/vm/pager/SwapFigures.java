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
    final Counter writeErrors = new Counter("vm.swap.write_errors");

    /** Pages whose slot held something else than was written there. */
    final Counter wrongContents = new Counter("vm.swap.wrong_contents");

    private final StoreTable stores;
    private final SwapAccounting accounting;

    SwapFigures(StoreTable stores, SwapAccounting accounting) {
        this.stores = stores;
        this.accounting = accounting;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        Counter[] counters = {pageIns, pagesIn, pageOuts, pagesOut, readErrors, writeErrors, wrongContents};
        for (Counter counter : counters) {
            visitor.accept(counter.name(), counter.get());
        }
        visitor.accept("vm.swap_total", PageSize.bytes(stores.total()));
        visitor.accept("vm.swap_avail", PageSize.bytes(stores.available()));
        visitor.accept("vm.swap_reserved", accounting.reserved());
        visitor.accept("vm.overcommit", accounting.overcommit());
    }
}
