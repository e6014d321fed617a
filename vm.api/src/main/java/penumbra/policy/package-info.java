// SPDX-License-Identifier: BSD-2-Clause

/** Replacement policies: which pages leave memory. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.policy;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
