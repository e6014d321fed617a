// SPDX-License-Identifier: BSD-2-Clause

/** A backing store in compressed memory. */
@NullMarked
package penumbra.pager.zswap;

import org.jspecify.annotations.NullMarked;
