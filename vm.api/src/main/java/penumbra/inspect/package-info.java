// SPDX-License-Identifier: BSD-2-Clause

/** The read model that prompt, browser and invariants checker share, beside the getters of the contracts. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.inspect;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
