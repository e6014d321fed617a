// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What can be set of the file system in memory. */
@ObjectClassDefinition(name = "Penumbra memory files", description = "Files that live in swap objects")
public @interface TmpConfig {
    /** How large all files may be together. */
    @AttributeDefinition(
            description = "How large all files may be together, in bytes; a file that finds no room is full",
            min = "0",
            max = "4398046511104")
    long limit_bytes() default 1L << 30;
}
