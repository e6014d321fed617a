// SPDX-License-Identifier: BSD-2-Clause

/**
 * Address spaces: what is mapped where, how faults resolve it, and how forks copy it ({@code vm_map.c},
 * {@code vm_fault.c}).
 *
 * <p>Addresses are bytes, page-aligned; ranges are {@code [start, end)}; offsets in objects are pages.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.map;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
