// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.page;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** How the page layer behaves. */
@ObjectClassDefinition(name = "Penumbra Pages", description = "Debugging aids of the page layer")
public @interface PageConfig {
    @AttributeDefinition(
            name = "Fill freed pages",
            description = "Overwrites every page that is freed, so that a use after free shows; costs time")
    boolean fillFreedPages() default false;
}
