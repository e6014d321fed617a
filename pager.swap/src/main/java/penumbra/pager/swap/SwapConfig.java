// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of a swap file. */
@ObjectClassDefinition(name = "Penumbra swap file", description = "A backing store in a file of the host")
public @interface SwapConfig {
    /** The name that commands use. */
    @AttributeDefinition(description = "The name that commands use")
    String name() default "file";

    /** Where the file is. */
    @AttributeDefinition(
            description = "Where the file is; empty for a temporary one, which goes with swapoff or the machine",
            required = false)
    String path() default "";

    /** How large it is. */
    @AttributeDefinition(
            description = "The size of the file in bytes, 8 KiB of header included; a multiple of 4096",
            min = "12288",
            max = "8796093022208")
    long size_bytes() default 1L << 30;

    /** Whether its space is claimed at once. */
    @AttributeDefinition(description = "Write the whole file at once, so that a full disk shows then and not later")
    boolean preallocate() default false;

    /** Whether the host's cache is passed by. */
    @AttributeDefinition(description = "Transfer past the host's page cache (O_DIRECT) where the host allows it")
    boolean direct() default false;
}
