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

    /** The MMU that serves whenever it is there; a change takes effect at once. */
    @AttributeDefinition(name = "MMU", description = "The name of the MMU that serves, for example amd64.")
    String mmu() default "amd64";
}
