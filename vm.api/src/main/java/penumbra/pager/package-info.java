// SPDX-License-Identifier: BSD-2-Clause

/**
 * Where pages come from and go to: pagers by object type, and the backing stores of swapped pages.
 *
 * <p>Goal: objects and faults never know who fills a page. Roles: {@link Pagers} is the one stable face; a
 * {@link Pager} fills objects of one type; a {@link BackingStore} keeps swapped pages and knows no objects;
 * {@link SwapSpace} ties the two with the location maps. Typical flow of a page-out: the daemon calls
 * {@link Pagers#putPages}; a slot run is taken from the preferred store; the write may complete later, and completion
 * unbusies the pages.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.pager;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
