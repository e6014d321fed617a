// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A file channel that survives interrupts.
 *
 * <p>Interrupting a thread inside a {@link FileChannel} closes the channel for everybody. Here the file is opened again and
 * each call that was cut is made again, so transfers are positional only; the interrupted thread keeps its flag.
 */
final class HostChannel {
    private final Path path;
    private final Object identity;
    private final Set<StandardOpenOption> options;
    private volatile FileChannel channel;
    private volatile boolean closed;

    /** Opens the file for reading, and for writing if asked. */
    HostChannel(Path path, boolean writable) throws IOException {
        this.path = path;
        this.identity = HostFileSystem.identity(path);
        this.options =
                writable ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE) : Set.of(StandardOpenOption.READ);
        this.channel = open();
    }

    /** A call that may be made twice. */
    @FunctionalInterface
    interface Call {
        long on(FileChannel channel) throws IOException;
    }

    /** Reads once; bytes read, or -1 at the end of the file. */
    int read(long offset, ByteBuffer to) throws IOException {
        int start = to.position();
        return (int) call(open -> open.read(to.position(start), offset));
    }

    /** Writes once; bytes written. */
    int write(long offset, ByteBuffer from) throws IOException {
        int start = from.position();
        return (int) call(open -> open.write(from.position(start), offset));
    }

    /** Makes the call until no interrupt cuts it. */
    long call(Call call) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                FileChannel current = channel;
                try {
                    return call.on(current);
                } catch (ClosedByInterruptException e) {
                    interrupted = true;
                    reopen(current);
                } catch (ClosedChannelException e) {
                    if (closed) {
                        throw new IOException(path + ": is closed", e);
                    }
                    reopen(current);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    void close() throws IOException {
        synchronized (this) {
            closed = true;
        }
        channel.close();
    }

    private synchronized void reopen(FileChannel cut) throws IOException {
        if (channel == cut && !closed) {
            channel = open();
        }
    }

    private FileChannel open() throws IOException {
        FileChannel opened = FileChannel.open(path, options);
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
}
