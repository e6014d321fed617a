// SPDX-License-Identifier: BSD-2-Clause

/** The page daemon: takes pages from their owners when memory is short, by a policy that can be exchanged. */
@NullMarked
package penumbra.vm.pageout;

import org.jspecify.annotations.NullMarked;
