// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;

/** A source of files. For others to implement; {@code vm.vnode} keeps the vnodes. */
@ConsumerType
public interface FileSystem {
    /** The name that {@link Vnodes#open} takes: {@code "host"}. */
    String name();

    /**
     * Opens a regular file.
     *
     * @param path in the file system's own terms
     * @param writable whether it will be written
     * @throws IOException when there is no such file, it is not regular, or may not be opened so; the message is one
     *     line
     */
    FileNode open(String path, boolean writable) throws IOException;

    /**
     * What tells one file from all others of this file system, however it is named: two paths of one file give equal
     * keys.
     */
    Object identity(String path) throws IOException;
}
