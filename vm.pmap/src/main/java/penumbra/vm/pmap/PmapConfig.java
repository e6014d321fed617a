// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pmap;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the pmap layer. */
@ObjectClassDefinition(name = "Penumbra pmap", description = "The pmap layer above the active MMU.")
public @interface PmapConfig {
    /** Whether mappings are copied at fork and large pages are used. */
    @AttributeDefinition(
            name = "Optimised",
            description =
                    "Copies mappings at fork and uses large pages; off when every step is compared with FreeBSD's.")
    boolean optimised() default true;

    /** Which MMU serves the machine, as an OSGi filter over MMU services; takes effect when the machine boots again. */
    @AttributeDefinition(name = "MMU", description = "A filter that selects the MMU, for example (mmu.name=amd64).")
    String mmu_target() default "(mmu.name=amd64)";
}
