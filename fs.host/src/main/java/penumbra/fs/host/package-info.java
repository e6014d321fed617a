// SPDX-License-Identifier: BSD-2-Clause

/** The file system "host": regular files of the host, by positional transfers that interrupts do not hurt. */
@NullMarked
package penumbra.fs.host;

import org.jspecify.annotations.NullMarked;
