// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.object;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the object core. */
@ObjectClassDefinition(name = "Penumbra objects", description = "The object core of the virtual memory system.")
@interface ObjectsConfig {
    /** {@code vm.old_msync}. */
    @AttributeDefinition(
            name = "Old msync (vm.old_msync)",
            description = "Whether msync with invalidation throws dirty pages away instead of leaving them.")
    boolean old_msync() default false;
}
