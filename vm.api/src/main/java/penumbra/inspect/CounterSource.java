// SPDX-License-Identifier: BSD-2-Clause
package penumbra.inspect;

import java.util.function.ObjLongConsumer;
import org.osgi.annotation.versioning.ConsumerType;

/** A subsystem's statistics under FreeBSD's names: {@code vm.stats.object.collapses}. */
@ConsumerType
public interface CounterSource {
    /** Shows each counter's name and value. */
    void forEach(ObjLongConsumer<String> visitor);
}
