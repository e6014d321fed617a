// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.host;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;

/**
 * The host's regular files. Paths are the host's; symbolic links are followed; a file is recognised by its device and
 * inode number where the host has such.
 *
 * <p>Nothing is ever created, and a file that is not opened for writing is never written.
 */
@Component(service = FileSystem.class)
public final class HostFileSystem implements FileSystem {
    /** What {@code Vnodes.open} takes. */
    public static final String NAME = "host";

    private final Opener opener;

    /** The host's files, opened as the host does. */
    @Activate
    public HostFileSystem() {
        this(Opener.HOST);
    }

    /** The host's files, opened in a way of the caller's. */
    public HostFileSystem(Opener opener) {
        this.opener = opener;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public FileNode open(String path, boolean writable) throws IOException {
        try {
            Path file = Path.of(path);
            regular(file);
            return new HostFile(file, writable, opener);
        } catch (InvalidPathException | FileSystemException e) {
            throw inOneLine(path, e);
        }
    }

    @Override
    public Object identity(String path) throws IOException {
        try {
            return identity(Path.of(path));
        } catch (InvalidPathException | FileSystemException e) {
            throw inOneLine(path, e);
        }
    }

    /** What tells the file at {@code path} from all others. */
    static Object identity(Path path) throws IOException {
        Object key = regular(path).fileKey();
        return key != null ? key : path.toRealPath();
    }

    private static BasicFileAttributes regular(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            throw new FileSystemException(
                    path.toString(), null, attributes.isDirectory() ? "is a directory" : "is not a regular file");
        }
        return attributes;
    }

    private static IOException inOneLine(String path, Exception cause) {
        String reason;
        if (cause instanceof NoSuchFileException) {
            reason = "no such file";
        } else if (cause instanceof AccessDeniedException) {
            reason = "permission denied";
        } else if (cause instanceof FileSystemException failure && failure.getReason() != null) {
            reason = failure.getReason();
        } else {
            reason = "no file can have this name";
        }
        return new IOException(path.replaceAll("\\p{Cntrl}", "?") + ": " + reason, cause);
    }
}
