// SPDX-License-Identifier: BSD-2-Clause

/** Who pays for swap space: credentials and the reservations made in their name. */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.account;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
