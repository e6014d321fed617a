// SPDX-License-Identifier: BSD-2-Clause

/**
 * Scripts of kernel operations: the language, the state printed after each step, and the comparison with what the
 * original printed.
 */
@NullMarked
package penumbra.lab.scenario;

import org.jspecify.annotations.NullMarked;
