// SPDX-License-Identifier: BSD-2-Clause

/** The power switch: empty machines, booted with chosen settings, and the subsystems of the one that runs. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.boot;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
