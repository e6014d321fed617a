// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;

/**
 * What a call on a file ends in while its file system is not there: nothing has changed, and it may be made again
 * later.
 */
public final class FileSystemAway extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message one line that says which file system is missed */
    public FileSystemAway(String message) {
        super(message);
    }
}
