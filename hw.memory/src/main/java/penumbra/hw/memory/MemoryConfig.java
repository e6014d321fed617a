// SPDX-License-Identifier: BSD-2-Clause
package penumbra.hw.memory;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the machine's memory; a change takes effect when the machine boots again. */
@ObjectClassDefinition(name = "Penumbra memory", description = "The sizes of the machine's memory.")
public @interface MemoryConfig {
    /** Bytes of memory for pages: a multiple of 4096. */
    @AttributeDefinition(
            name = "General memory, bytes",
            description = "Memory that holds pages; a multiple of 4096.",
            min = "4096",
            max = "4398046511104")
    long general_bytes() default 256L << 20;

    /** Bytes of memory for translation tables: a multiple of 4096, or 0 for 4 MiB and a 64th of the general memory. */
    @AttributeDefinition(
            name = "Table memory, bytes",
            description = "Memory for translation tables; a multiple of 4096, or 0 for 4 MiB + general / 64.",
            min = "0",
            max = "4398046511104")
    long table_bytes() default 0;

    /** Bytes of memory for compressed pages: a multiple of 4096. */
    @AttributeDefinition(
            name = "Compressed memory, bytes",
            description = "Memory that a compressing backing store uses; a multiple of 4096.",
            min = "0",
            max = "4398046511104")
    long compressed_bytes() default 0;
}
