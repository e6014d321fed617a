// SPDX-License-Identifier: BSD-2-Clause

/**
 * The page layer: one permanent {@link penumbra.vm.page.VmPage} a frame, the sets of resident and cached pages of each
 * owner, the paging queues, and the allocator of physical memory with its reservations.
 */
@NullMarked
package penumbra.vm.page;

import org.jspecify.annotations.NullMarked;
