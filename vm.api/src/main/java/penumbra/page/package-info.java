// SPDX-License-Identifier: BSD-2-Clause

/**
 * Pages of memory: their state, their place in objects and queues, and where free ones come from.
 *
 * <p>Goal: one permanent {@link Page} a frame, whose identity is (owner, pindex) while it is resident. Roles: a
 * {@link PageOwner} (an object) holds {@link ResidentPages}; {@link Pages} hands out, moves and frees pages; the
 * {@link PagingQueue}s order them for the {@link PageDaemon}. Locks: the owner's lock guards identity, busy, valid and
 * dirty bits, wirings and the choice of queue; the page layer's own locks guard queues and free memory and are taken
 * inside each call, so that callers never see them.
 */
@Export
@Version("1.0.0")
@NullMarked
package penumbra.page;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
