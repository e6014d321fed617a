// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;

/**
 * Where the contents of a named file come from: they can be opened again, by whichever file system bears the name then.
 *
 * @param systems where the file system is found
 * @param fileSystem its name
 * @param path the file's name in it
 * @param identity what the file at {@code path} must still be
 */
record Contents(FileSystems systems, String fileSystem, String path, Object identity) {
    /** An open file and who opened it. */
    record Opened(FileSystem by, FileNode node) {}

    /** Finds out what is at {@code path} now. */
    static Contents at(FileSystems systems, String fileSystem, String path) throws IOException {
        return new Contents(systems, fileSystem, path, identity(systems.named(fileSystem), path));
    }

    /** Waits until the file system is there, {@code nanos} at most. */
    void await(long nanos) throws IOException {
        systems.await(fileSystem, nanos);
    }

    /**
     * Opens the file.
     *
     * @throws IOException also when another file is at the path by now
     */
    Opened open(boolean writable) throws IOException {
        FileSystem by = systems.named(fileSystem);
        FileNode node;
        try {
            node = by.open(path, writable);
        } catch (RuntimeException | LinkageError e) {
            throw failed(by, path, e);
        }
        boolean same = false;
        try {
            same = identity.equals(identity(by, path));
        } finally {
            if (!same) {
                GuardedNode.closeQuietly(node, path);
            }
        }
        if (!same) {
            throw new IOException(path + ": another file has taken its place");
        }
        return new Opened(by, node);
    }

    private static Object identity(FileSystem by, String path) throws IOException {
        try {
            return by.identity(path);
        } catch (RuntimeException | LinkageError e) {
            throw failed(by, path, e);
        }
    }

    private static IOException failed(FileSystem by, String path, Throwable cause) {
        return new IOException(path + ": file system " + by.name() + " failed: " + cause, cause);
    }
}
