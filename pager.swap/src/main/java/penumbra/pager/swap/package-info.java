// SPDX-License-Identifier: BSD-2-Clause

/** A backing store in a file of the host: which blocks are free, and transfers that no interrupt can break. */
@NullMarked
package penumbra.pager.swap;

import org.jspecify.annotations.NullMarked;
