// SPDX-License-Identifier: BSD-2-Clause

/** Processes: who owns an address space, and who can be told to give it up. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.process;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
