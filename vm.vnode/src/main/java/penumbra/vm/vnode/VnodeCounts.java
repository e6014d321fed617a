// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.util.Collection;
import java.util.function.ObjLongConsumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.inspect.CounterSource;
import penumbra.vnode.Vnode;
import penumbra.vnode.Vnodes;

/**
 * How many vnodes there are and how many of them nobody uses, under FreeBSD's names, and what waited for file systems.
 */
@Component(service = CounterSource.class)
public final class VnodeCounts implements CounterSource {
    private final Vnodes vnodes;

    /** Counts the vnodes of {@code vnodes}. */
    @Activate
    public VnodeCounts(@Reference Vnodes vnodes) {
        this.vnodes = vnodes;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        Collection<Vnode> all = vnodes.all();
        visitor.accept("vfs.numvnodes", all.size());
        visitor.accept(
                "vfs.freevnodes",
                all.stream().filter(vnode -> vnode.useCount() == 0).count());
        visitor.accept("vfs.waits", vnodes.waits());
    }
}
