// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemAway;

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

    /**
     * Finds out what is at {@code path} now; does not wait for the file system.
     *
     * @throws FileSystemAway when the file system is not there, or has left meanwhile
     */
    static Contents at(FileSystems systems, String fileSystem, String path) throws IOException {
        FileSystem by = systems.named(fileSystem);
        try {
            return new Contents(systems, fileSystem, path, identity(by, path));
        } catch (IOException e) {
            throw systems.blame(fileSystem, by, e);
        }
    }

    /** Whether the file system is there, so that nobody would wait for it. */
    boolean canBeOpened() {
        return systems.has(fileSystem);
    }

    /** Waits until the file system is there, {@code nanos} at most. */
    void await(long nanos) throws FileSystemAway {
        systems.await(fileSystem, nanos);
    }

    /**
     * Opens the file; does not wait for the file system.
     *
     * @throws FileSystemAway when the file system is not there, or has left meanwhile
     * @throws IOException also when another file is at the path by now
     */
    Opened open(boolean writable) throws IOException {
        FileSystem by = systems.named(fileSystem);
        try {
            return new Opened(by, open(by, writable));
        } catch (IOException e) {
            throw systems.blame(fileSystem, by, e);
        }
    }

    private FileNode open(FileSystem by, boolean writable) throws IOException {
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
        return node;
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
