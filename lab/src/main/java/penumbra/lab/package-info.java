// SPDX-License-Identifier: BSD-2-Clause

/** Experiments: real programs replayed, scripts run step by step, and the machine that they run on. */
@NullMarked
package penumbra.lab;

import org.jspecify.annotations.NullMarked;
