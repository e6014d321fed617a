// SPDX-License-Identifier: BSD-2-Clause

/** A whole machine wired by hand, for tests and benchmarks that need no container. */
@NullMarked
package penumbra.exam.machine;

import org.jspecify.annotations.NullMarked;
