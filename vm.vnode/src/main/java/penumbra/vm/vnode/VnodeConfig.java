// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the vnode table. */
@ObjectClassDefinition(name = "Penumbra vnodes", description = "The table of files in use.")
public @interface VnodeConfig {
    /** How many vnodes that nobody uses stay open with their pages. */
    @AttributeDefinition(
            name = "Unused vnodes",
            description = "Files that nobody uses any more but that stay open with their pages in memory.",
            min = "0",
            max = "65536")
    int unused_vnodes() default VnodeTable.UNUSED_VNODES;

    /** How long a transfer waits for a file system that has gone. */
    @AttributeDefinition(
            name = "Wait for a file system, ms",
            description = "How long a transfer waits for a file system that has gone, before it fails.",
            min = "0",
            max = "3600000")
    long return_wait_ms() default VnodeTable.RETURN_WAIT_MS;
}
