// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import penumbra.kern.SteadyChannel;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.vnode.FileNode;

/** The contents of one regular file of the host. */
final class HostFile implements FileNode {
    /** The host keeps blocks to itself; a page is what can always be transferred at once. */
    private static final int BLOCK = 4096;

    private final Path path;
    private final boolean writable;
    private final SteadyChannel channel;

    /** Opens the file, which is there and regular; it is neither created nor cut. */
    HostFile(Path path, boolean writable, Opener opener) throws IOException {
        this.path = path;
        this.writable = writable;
        Object identity = HostFileSystem.identity(path);
        this.channel = new SteadyChannel(
                openSame(path, identity, writable, opener), () -> openSame(path, identity, writable, opener));
    }

    private static FileChannel openSame(Path path, Object identity, boolean writable, Opener opener)
            throws IOException {
        Set<StandardOpenOption> options =
                writable ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE) : Set.of(StandardOpenOption.READ);
        FileChannel opened = opener.open(path, options);
        boolean same = false;
        try {
            same = HostFileSystem.identity(path).equals(identity);
        } finally {
            if (!same) {
                opened.close();
            }
        }
        if (!same) {
            throw new IOException(path + ": another file has taken its place");
        }
        return opened;
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public long size() throws IOException {
        return channel.call(FileChannel::size);
    }

    @Override
    public int blockSize() {
        return BLOCK;
    }

    /**
     * Every block is where the file's own numbering puts it: the host clusters as it likes, and reads holes as zeroes.
     */
    @Override
    public long map(long block) {
        return block;
    }

    @Override
    public int run(long block, int limit) {
        return limit;
    }

    /**
     * From the modification time, the size and the identity: changes within one tick of the host's clock may stay
     * unseen.
     */
    @Override
    public long version() throws IOException {
        BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
        long time = now.lastModifiedTime().to(TimeUnit.NANOSECONDS);
        return (time * 31 + now.size()) * 31 + HostFileSystem.identity(path).hashCode();
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        int start = to.position();
        while (to.hasRemaining()) {
            if (channel.read(offset + to.position() - start, to) <= 0) {
                break;
            }
        }
        return to.position() - start;
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        requireWritable();
        int start = from.position();
        try {
            while (from.hasRemaining()) {
                channel.write(offset + from.position() - start, from);
            }
        } catch (IOException e) {
            if (from.position() == start) {
                throw e;
            }
        }
        return from.position() - start;
    }

    @Override
    public void fsync() throws IOException {
        channel.call(open -> {
            open.force(true);
            return 0;
        });
    }

    @Override
    public void truncate(long size) throws IOException {
        requireWritable();
        long old = size();
        if (size < old) {
            channel.call(open -> open.truncate(size).size());
        } else if (size > old) {
            channel.write(size - 1, ByteBuffer.allocate(1));
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private void requireWritable() throws IOException {
        if (!writable) {
            throw new IOException(path + ": is open for reading only");
        }
    }
}
