// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Set;

/**
 * A file channel that survives interrupts. Thread-safe.
 *
 * <p>Interrupting a thread inside a {@link FileChannel} closes the channel for everybody. Here the file is opened again
 * and each call that was cut is made again, so transfers are positional only; the interrupted thread keeps its flag.
 */
public final class SteadyChannel implements AutoCloseable {
    private final Reopening reopening;
    private volatile FileChannel channel;
    private volatile boolean closed;

    /**
     * A channel that begins with {@code channel}.
     *
     * @param reopening opens the file again after an interrupt
     */
    public SteadyChannel(FileChannel channel, Reopening reopening) {
        this.channel = channel;
        this.reopening = reopening;
    }

    /** How files are opened: the host's way, or one with faults in it. */
    @FunctionalInterface
    public interface Opener {
        /** The host's own. */
        Opener HOST = FileChannel::open;

        /** Opens {@code path}. */
        FileChannel open(Path path, Set<? extends OpenOption> options) throws IOException;
    }

    /** Opens the same file again. */
    @FunctionalInterface
    public interface Reopening {
        /** The file, open; an exception when another one has taken its place. */
        FileChannel reopen() throws IOException;
    }

    /** A call that may be made twice. */
    @FunctionalInterface
    public interface Call {
        /** Makes the call. */
        long on(FileChannel channel) throws IOException;
    }

    /** Reads once, from {@code offset} of the file; returns the bytes read, or -1 at the end of the file. */
    public int read(long offset, ByteBuffer to) throws IOException {
        int start = to.position();
        return (int) call(open -> open.read(to.position(start), offset));
    }

    /** Writes once, at {@code offset} of the file; returns the bytes written. */
    public int write(long offset, ByteBuffer from) throws IOException {
        int start = from.position();
        return (int) call(open -> open.write(from.position(start), offset));
    }

    /**
     * Makes the call until no interrupt cuts it, this thread's or another's; returns what it returned.
     *
     * @throws IOException after {@link #close}, too
     */
    public long call(Call call) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    return call.on(open());
                } catch (ClosedChannelException e) {
                    if (closed) {
                        throw new IOException("the file is closed", e);
                    }
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private FileChannel open() throws IOException {
        FileChannel usual = channel;
        return usual.isOpen() ? usual : reopen();
    }

    private synchronized FileChannel reopen() throws IOException {
        if (closed) {
            throw new ClosedChannelException();
        }
        if (!channel.isOpen()) {
            // Whoever was interrupted may still be closing it, and its file locks go last; this waits for that.
            channel.close();
            channel = reopening.reopen();
        }
        return channel;
    }

    /** Closes the file; every later call fails. */
    @Override
    public synchronized void close() throws IOException {
        closed = true;
        channel.close();
    }
}
