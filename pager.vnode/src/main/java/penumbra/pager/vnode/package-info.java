// SPDX-License-Identifier: BSD-2-Clause

/**
 * The pager of file pages, and what happens to them when a file changes its size.
 *
 * <p>Roles: {@link penumbra.pager.vnode.VnodePager} ties objects to vnodes and hands transfers on to {@code PageIn} and
 * {@code PageOut}; {@code BlockRuns} knows which pages can be transferred together;
 * {@link penumbra.pager.vnode.FileSizes} cuts and extends. The pager keeps no state of its own: sizes, counts and links
 * are the vnode's, so that another pager can take over between two calls. Locks: transfers run with the object unlocked
 * and its pages busy; writes hold the vnode lock, so that no write extends a file that is being cut.
 */
@NullMarked
package penumbra.pager.vnode;

import org.jspecify.annotations.NullMarked;
