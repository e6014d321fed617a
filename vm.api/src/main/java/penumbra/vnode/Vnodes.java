// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import java.util.Collection;
import org.osgi.annotation.versioning.ProviderType;

/** The table of vnodes, over whatever file systems are there. */
@ProviderType
public interface Vnodes {
    /**
     * Opens a file: the same vnode for the same file, with one more use, the caller's. May block: a file system that
     * has left is waited for, up to a limit.
     *
     * @param fileSystem the {@link FileSystem#name}
     * @throws FileSystemAway when there is no such file system
     * @throws IOException when the file cannot be opened; the message is one line
     */
    Vnode open(String fileSystem, String path, boolean writable) throws IOException;

    /** Makes a vnode for contents that have no name in any file system; one use, the caller's. */
    Vnode wrap(FileNode node) throws IOException;

    /**
     * Writes every change and makes it durable ({@code fsync(2)}). Takes the vnode lock; no lock may be held. May
     * block.
     *
     * @throws IOException when a change could not be written, or one that was written before may have been lost
     */
    void fsync(Vnode vnode) throws IOException;

    /**
     * Dooms the vnode: its object dies, its contents are closed ({@code vgone}). Vnode lock held; stays held. May
     * block.
     */
    void reclaim(Vnode vnode);

    /** The vnodes that are there. */
    Collection<Vnode> all();

    /** Calls that have found their file system away and waited for it, since boot. */
    long waits();
}
