// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.pager;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the pager layer. */
@ObjectClassDefinition(name = "Penumbra pagers", description = "The pager layer and swap reservations")
public @interface PagerConfig {
    /** {@code vm.overcommit} */
    @AttributeDefinition(
            description =
                    "vm.overcommit: 1 enforces the limit of all swap, 2 that of each user, 4 counts memory as swap",
            min = "0",
            max = "7")
    int overcommit() default 0;

    /** {@code vm.swap_async_max} */
    @AttributeDefinition(
            description = "vm.swap_async_max: page-outs of the page daemon under way at a time",
            min = "1",
            max = "128")
    int swap_async_max() default 4;

    /** How long a page-in waits for a provider that has left. */
    @AttributeDefinition(
            description = "Milliseconds that a page-in waits for a pager or store that has left",
            min = "0",
            max = "3600000")
    int absent_millis() default 5_000;

    /** How long a store that leaves is drained. */
    @AttributeDefinition(
            description =
                    "Milliseconds for which a store that leaves is drained before what is left waits for its return",
            min = "0",
            max = "3600000")
    int drain_millis() default 5_000;

    /** How long one call of a foreign pager may take. */
    @AttributeDefinition(
            description = "Milliseconds that a call of a pager may take before the pager is parked",
            min = "1",
            max = "3600000")
    int call_millis() default 60_000;
}
