// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.replay;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.lab.model.FileBytes;
import penumbra.vnode.FileNode;
import penumbra.vnode.Vnode;

/**
 * A file as recorded programs see it: the host's, continued by generated pages where it is too short or missing, and
 * changed in a scratch copy only, so that the host's file is never written.
 *
 * <p>Thread-safe. The model reads the original contents through {@link #original}, not through the paging system.
 */
final class ReplayFile implements FileNode {
    private final String path;
    private final @Nullable Vnode host;
    private final long hostSize;
    private final long hostVersion;
    private final GeneratedBytes generated;
    private final Path scratchFolder;
    private volatile @Nullable IOException failure;
    private long size;
    private @Nullable FileChannel scratch;
    private @Nullable Path scratchPath;
    private boolean closed;

    /** The file {@code path} over the host's, of which it takes a use over, or over nothing. */
    ReplayFile(String path, @Nullable Vnode host, long seed, Path scratchFolder) throws IOException {
        this.path = path;
        this.host = host;
        this.hostSize = host == null ? 0 : host.node().size();
        this.hostVersion = host == null ? 0 : host.node().version();
        this.generated = new GeneratedBytes(path, seed);
        this.scratchFolder = scratchFolder;
        this.size = hostSize;
    }

    /** Whether the host has no such file. */
    boolean missing() {
        return host == null;
    }

    /** How many bytes are generated. */
    synchronized long generatedBytes() {
        return host == null ? size : Math.max(0, size - PageSize.ceiling(hostSize));
    }

    /** Makes the file at least {@code bytes} long, rounded up to whole pages, by generated pages; returns its size. */
    synchronized long extend(long bytes) {
        size = Math.max(size, PageSize.ceiling(bytes));
        return size;
    }

    /** Whether the host's file changed since it was opened. */
    boolean changedMeanwhile() throws IOException {
        return host != null
                && (host.node().version() != hostVersion || host.node().size() != hostSize);
    }

    /**
     * The contents before any store, for the model: generated pages go on for ever there, since whoever reads behind
     * the end has it extended first.
     */
    FileBytes original() {
        return (offset, into, at, length) -> {
            try {
                readOriginal(offset, into, at, length, Long.MAX_VALUE);
            } catch (IOException e) {
                throw ReplayFiles.unreadable(path, e);
            }
        };
    }

    private void readOriginal(long offset, byte[] into, int at, int length, long generatedEnd) throws IOException {
        java.util.Arrays.fill(into, at, at + length, (byte) 0);
        int fromHost = (int) Math.max(0, Math.min(length, hostSize - offset));
        if (host != null && fromHost > 0) {
            ByteBuffer buffer = ByteBuffer.wrap(into, at, fromHost);
            int got = readHost(host, offset, buffer);
            if (got < fromHost) {
                throw new IOException("ends at " + (offset + got) + ", was " + hostSize + " bytes long");
            }
        }
        // Generated pages begin at the page behind the host's last one: the rest of that stays zero.
        long start = Math.max(offset, PageSize.ceiling(hostSize));
        long end = Math.min(offset + length, generatedEnd);
        if (start < end) {
            generated.read(start, into, at + (int) (start - offset), (int) (end - start));
        }
    }

    private int readHost(Vnode file, long offset, ByteBuffer to) throws IOException {
        try {
            int got = file.node().read(offset, to);
            failure = null;
            return got;
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /** Why the host's file could not be read; null when it could be, the last time. */
    @Nullable
    IOException failure() {
        return failure;
    }

    @Override
    public String name() {
        return path;
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return PageSize.BYTES;
    }

    @Override
    public long map(long block) {
        return block;
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        int length = (int) Math.max(0, Math.min(to.remaining(), size() - offset));
        @Nullable FileChannel changed = scratch();
        if (changed != null) {
            return readFully(changed, offset, to, length);
        }
        if (host != null && offset + length <= hostSize) {
            ByteBuffer slice = to.duplicate();
            slice.limit(slice.position() + length);
            int got = readHost(host, offset, slice);
            to.position(to.position() + got);
            return got;
        }
        byte[] bytes = new byte[length];
        readOriginal(offset, bytes, 0, length, size());
        to.put(bytes);
        return length;
    }

    private static int readFully(FileChannel channel, long offset, ByteBuffer to, int length) throws IOException {
        int limit = to.limit();
        to.limit(to.position() + length);
        int done = 0;
        while (done < length) {
            int got = channel.read(to, offset + done);
            if (got < 0) {
                break;
            }
            done += got;
        }
        to.limit(limit);
        return done;
    }

    private synchronized @Nullable FileChannel scratch() {
        return scratch;
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        FileChannel channel = makeScratch();
        int done = 0;
        while (from.hasRemaining()) {
            done += channel.write(from, offset + done);
        }
        return done;
    }

    private synchronized FileChannel makeScratch() throws IOException {
        if (scratch == null) {
            Path copy = Files.createTempFile(scratchFolder, "shared-", ".bin");
            FileChannel channel = FileChannel.open(copy, StandardOpenOption.READ, StandardOpenOption.WRITE);
            byte[] page = new byte[PageSize.BYTES];
            for (long offset = 0; offset < size; offset += page.length) {
                int length = (int) Math.min(page.length, size - offset);
                readOriginal(offset, page, 0, length, size);
                ByteBuffer buffer = ByteBuffer.wrap(page, 0, length);
                while (buffer.hasRemaining()) {
                    channel.write(buffer, offset + buffer.position());
                }
            }
            scratch = channel;
            scratchPath = copy;
        }
        return scratch;
    }

    /**
     * Moves the changed copy to {@code folder} under the file's own name; returns where, null when nothing was changed.
     */
    synchronized @Nullable Path keep(Path folder) throws IOException {
        if (scratch == null || scratchPath == null) {
            return null;
        }
        scratch.force(true);
        Path target = folder.resolve(path.replace('/', '_'));
        Files.createDirectories(folder);
        Files.copy(scratchPath, target, StandardCopyOption.REPLACE_EXISTING);
        return target;
    }

    @Override
    public void fsync() throws IOException {
        @Nullable FileChannel changed = scratch();
        if (changed != null) {
            changed.force(false);
        }
    }

    @Override
    public void truncate(long bytes) {
        throw new IllegalStateException(path + ": recorded programs do not truncate files that they map");
    }

    /** Gives up the host's file and the scratch copy: at the end of the run, and again when the vnode is reclaimed. */
    @Override
    public synchronized void close() throws IOException {
        if (scratch != null) {
            scratch.close();
            scratch = null;
        }
        if (scratchPath != null) {
            Files.deleteIfExists(scratchPath);
            scratchPath = null;
        }
        if (host != null && !closed) {
            host.release();
        }
        closed = true;
    }
}
