// SPDX-License-Identifier: BSD-2-Clause

/**
 * The pagers of memory that never leaves: that of devices, which fictitious pages stand for, and that of type PHYS.
 * None keeps anything of its own, so that each can be replaced by another at any time.
 */
@NullMarked
package penumbra.pager.device;

import org.jspecify.annotations.NullMarked;
