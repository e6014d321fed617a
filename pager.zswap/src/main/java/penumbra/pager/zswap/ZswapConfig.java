// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the compressed store, which is there only when it is configured. */
@ObjectClassDefinition(
        name = "Penumbra compressed store",
        description =
                "A backing store in compressed memory, whose size is that of penumbra.hw.memory's compressed.bytes")
public @interface ZswapConfig {
    /** The name that commands use. */
    @AttributeDefinition(description = "The name that commands use")
    String name() default "zswap";

    /** How many slots a page of compressed memory makes. */
    @AttributeDefinition(
            description = "Slots for each page of compressed memory: how well pages are expected to compress",
            min = "1",
            max = "16")
    int slots_per_page() default 3;

    /** How hard it compresses. */
    @AttributeDefinition(
            description = "The level of zstd: the lower, the faster; it takes effect when the store starts again",
            min = "-100",
            max = "22")
    int level() default -6;
}
