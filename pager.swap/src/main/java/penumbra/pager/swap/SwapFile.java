// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A swap file of the host: a header in its first two pages, and positional transfers behind it. Thread-safe.
 *
 * <p>A thread that is interrupted in a transfer closes the channel for everybody, as the JDK has it; the file is opened
 * again then and the transfers that were cut are made again, so nobody notices and the interrupt stays pending. The file
 * is locked against other processes, and belongs to one {@code SwapFile} of this one.
 */
final class SwapFile implements AutoCloseable {
    private final Path path;
    private final SwapHeader header;
    private volatile FileChannel channel;
    private boolean closed;
    private boolean deleted;

    private SwapFile(Path path, SwapHeader header, FileChannel channel) {
        this.path = path;
        this.header = header;
        this.channel = channel;
    }

    /**
     * Opens a swap file, made first if it is not there; one of another size is resized and becomes a new one.
     *
     * @param pages its size, header included
     * @param preallocate whether to claim the space on disk now, so that a full disk shows here and not at a page-out
     * @throws IOException when the file is no swap file, in use, or cannot be made; the message is one line
     */
    static SwapFile open(Path path, long pages, boolean preallocate) throws IOException {
        boolean there = Files.exists(path);
        if (there && !Files.isRegularFile(path)) {
            throw new IOException(path + ": not a regular file");
        }
        boolean interrupted = Thread.interrupted();
        try {
            return open(path, pages, preallocate, there);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static SwapFile open(Path path, long pages, boolean preallocate, boolean there) throws IOException {
        // A failure deletes what was made here, so it must be certain that it was made here.
        FileChannel channel = there
                ? FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)
                : FileChannel.open(
                        path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        boolean done = false;
        try {
            lock(channel, path);
            SwapHeader header =
                    channel.size() > 0 ? SwapHeader.read(channel, path) : new SwapHeader(UUID.randomUUID(), 0);
            if (header.pages() != pages) {
                header = new SwapHeader(UUID.randomUUID(), pages);
                size(channel, pages, preallocate);
                header.write(channel);
            }
            done = true;
            return new SwapFile(path, header, channel);
        } finally {
            if (!done) {
                channel.close();
                if (!there) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    /** Locks the file until the channel is closed. */
    private static void lock(FileChannel channel, Path path) throws IOException {
        try {
            if (channel.tryLock() == null) {
                throw new IOException(path + ": in use by another process");
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException(path + ": in use by another store", e);
        }
    }

    private static void size(FileChannel channel, long pages, boolean preallocate) throws IOException {
        long bytes = pages * SwapHeader.PAGE;
        channel.truncate(0);
        if (preallocate) {
            ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
            for (long at = 0; at < bytes; ) {
                zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
                at += channel.write(zeros, at);
            }
        } else {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
    }

    /** What the file is recognised by. */
    UUID identity() {
        return header.identity();
    }

    /** Fills {@code to} from byte {@code position} on. */
    void read(ByteBuffer to, long position) throws IOException {
        transfer(to, position, false);
    }

    /** Writes {@code from} at byte {@code position}. */
    void write(ByteBuffer from, long position) throws IOException {
        transfer(from, position, true);
    }

    private void transfer(ByteBuffer buffer, long position, boolean write) throws IOException {
        int start = buffer.position();
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    transfer(openChannel(), buffer, position - start, write);
                    return;
                } catch (ClosedChannelException e) {
                    // The interrupt was this thread's, or that of another one in the middle of its transfer.
                    interrupted |= Thread.interrupted();
                    if (isClosed()) {
                        throw e;
                    }
                    buffer.position(start);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void transfer(FileChannel channel, ByteBuffer buffer, long origin, boolean write)
            throws IOException {
        while (buffer.hasRemaining()) {
            long at = origin + buffer.position();
            int n = write ? channel.write(buffer, at) : channel.read(buffer, at);
            if (n < 0) {
                throw new EOFException("the file ends at byte " + at);
            }
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** The channel, opened again if an interrupt has closed it. */
    private FileChannel openChannel() throws IOException {
        FileChannel usual = channel;
        return usual.isOpen() ? usual : reopen();
    }

    private synchronized FileChannel reopen() throws IOException {
        if (closed) {
            throw new ClosedChannelException();
        }
        if (channel.isOpen()) {
            return channel;
        }
        FileChannel fresh = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        boolean done = false;
        try {
            lock(fresh, path);
            if (!SwapHeader.read(fresh, path).equals(header)) {
                throw new IOException(path + ": was replaced by another swap file");
            }
            channel = fresh;
            done = true;
            return fresh;
        } finally {
            if (!done) {
                fresh.close();
            }
        }
    }

    /** Closes the file; it stays. */
    @Override
    public synchronized void close() throws IOException {
        closed = true;
        channel.close();
    }

    /** Closes the file and deletes it. */
    synchronized void delete() throws IOException {
        close();
        Files.deleteIfExists(path);
        deleted = true;
    }

    synchronized boolean isDeleted() {
        return deleted;
    }
}
