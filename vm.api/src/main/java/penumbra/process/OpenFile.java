// SPDX-License-Identifier: BSD-2-Clause
package penumbra.process;

import penumbra.vnode.Vnode;

/**
 * A file as a process opened it.
 *
 * @param vnode the file; whoever opened it keeps the use
 * @param readable whether it was opened to read
 * @param writeable whether it was opened to write
 */
public record OpenFile(Vnode vnode, boolean readable, boolean writeable) {}
