// SPDX-License-Identifier: BSD-2-Clause
/** The power switch of the machine that runs in this container. */
@NullMarked
package penumbra.lab.boot;

import org.jspecify.annotations.NullMarked;
