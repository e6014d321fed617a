// SPDX-License-Identifier: BSD-2-Clause

/**
 * The vnode table: counts, locks and the link from a file to its object, which outlive pagers and file systems that
 * come and go.
 *
 * <p>Roles: {@link penumbra.vm.vnode.VnodeTable} finds the one vnode of a file and reclaims what nobody uses; a
 * {@code FileVnode} is one of them; its {@code GuardedNode} stands between it and the file system's own contents.
 * Typical flow of a first open: the identity of the file is looked up, the file opened, the vnode inserted unless
 * somebody was faster. Locks: a vnode's lock is taken before any object's; the table's own lock is the last in the
 * order.
 */
@NullMarked
package penumbra.vm.vnode;

import org.jspecify.annotations.NullMarked;
