// SPDX-License-Identifier: BSD-2-Clause

/** The file system "tmp": files whose contents are pages of swap objects, in memory or swapped out. */
@NullMarked
package penumbra.fs.tmp;

import org.jspecify.annotations.NullMarked;
