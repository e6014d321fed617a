// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import java.util.function.ObjLongConsumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import penumbra.inspect.CounterSource;
import penumbra.object.VmObjects;

/** The object core's statistics under FreeBSD's names. */
@Component
public final class ObjectCounters implements CounterSource {
    private final VmObjects objects;

    /** Reads the counters of {@code objects}. */
    @Activate
    public ObjectCounters(@Reference VmObjects objects) {
        this.objects = objects;
    }

    @Override
    public void forEach(ObjLongConsumer<String> visitor) {
        visitor.accept("vm.stats.object.collapses", objects.collapses());
        visitor.accept("vm.stats.object.bypasses", objects.bypasses());
    }
}
