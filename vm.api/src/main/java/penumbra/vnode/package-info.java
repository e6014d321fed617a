// SPDX-License-Identifier: BSD-2-Clause

/** Files behind objects: vnodes with their counts, and the file systems that give them contents. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.vnode;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
