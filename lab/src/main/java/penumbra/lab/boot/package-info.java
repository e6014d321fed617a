// SPDX-License-Identifier: BSD-2-Clause

/** The power switch of a container: boots the machine anew by configuring and restarting its lowest components. */
@NullMarked
package penumbra.lab.boot;

import org.jspecify.annotations.NullMarked;
