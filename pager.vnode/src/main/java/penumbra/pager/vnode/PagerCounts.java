// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.util.List;
import java.util.function.ObjLongConsumer;
import penumbra.kern.Counter;

/** What the pager has done since it started, under FreeBSD's names, and the errors that FreeBSD only prints. */
final class PagerCounts {
    /** Requests for pages. */
    final Counter in = new Counter("vm.stats.vm.v_vnodein");
    /** Pages read. */
    final Counter pagesIn = new Counter("vm.stats.vm.v_vnodepgsin");
    /** Requests to write. */
    final Counter out = new Counter("vm.stats.vm.v_vnodeout");
    /** Pages written. */
    final Counter pagesOut = new Counter("vm.stats.vm.v_vnodepgsout");
    /** Requests that failed for an I/O error. */
    final Counter errors = new Counter("vm.stats.vm.v_vnodeerrors");

    void forEach(ObjLongConsumer<String> visitor) {
        for (Counter counter : List.of(in, pagesIn, out, pagesOut, errors)) {
            visitor.accept(counter.name(), counter.get());
        }
    }
}
