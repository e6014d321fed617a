// SPDX-License-Identifier: BSD-2-Clause

/** Objects: what memory means before it is mapped, and how copies share it (FreeBSD's {@code vm_object.h}). */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.object;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
