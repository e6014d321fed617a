// SPDX-License-Identifier: BSD-2-Clause

/**
 * The little code that every subsystem shares: ranked locks and their witness, sleep queues, panic, return codes,
 * counters, lists of free blocks and the virtual clock.
 *
 * <p>Nothing here knows of objects, pages or pagers.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.kern;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
