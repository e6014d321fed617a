// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A stream that is read ahead on a thread of its own, so that decompression and what is done with its result share two
 * CPUs. Holds {@value #PIECES} pieces of {@value #PIECE} bytes at most.
 */
final class AheadInputStream extends InputStream {
    private static final int PIECE = 1 << 18;
    private static final int PIECES = 8;

    /** Some bytes, or the end, or what went wrong. */
    private record Piece(byte[] bytes, int length, @Nullable Throwable failure) {}

    private static final byte[] NOTHING = {};

    private final InputStream in;
    private final BlockingQueue<Piece> ready = new ArrayBlockingQueue<>(PIECES);
    private final BlockingQueue<byte[]> free = new ArrayBlockingQueue<>(PIECES);
    private final Thread thread;
    private Piece current = new Piece(NOTHING, 0, null);
    private int next;

    AheadInputStream(InputStream in) {
        this.in = in;
        for (int i = 0; i < PIECES; i++) {
            free.add(new byte[PIECE]);
        }
        thread = new Thread(this::drain, "recording-decompressor");
        thread.setDaemon(true);
        thread.start();
    }

    private void drain() {
        try {
            Piece piece;
            do {
                piece = fill(free.take());
                ready.put(piece);
            } while (piece.length() > 0);
        } catch (InterruptedException e) {
            // The stream was closed: nobody waits for more.
        }
    }

    private Piece fill(byte[] bytes) {
        int length = 0;
        try {
            int got;
            while (length < bytes.length && (got = in.read(bytes, length, bytes.length - length)) >= 0) {
                length += got;
            }
            return new Piece(bytes, length, null);
        } catch (IOException | RuntimeException | Error e) {
            return new Piece(bytes, 0, e);
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (next == current.length() && !advance()) {
            return -1;
        }
        int piece = Math.min(length, current.length() - next);
        System.arraycopy(current.bytes(), next, into, at, piece);
        next += piece;
        return piece;
    }

    /** Goes to the next piece; false at the end of the stream, which is never left again. */
    private boolean advance() throws IOException {
        if (current.bytes() != NOTHING && current.length() == 0) {
            return false;
        }
        try {
            if (current.bytes() != NOTHING) {
                free.put(current.bytes());
            }
            current = ready.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while reading");
        }
        next = 0;
        Throwable failure = current.failure();
        if (failure instanceof IOException e) {
            throw e;
        } else if (failure != null) {
            throw new IOException(failure);
        }
        return current.length() > 0;
    }

    @Override
    public void close() throws IOException {
        thread.interrupt();
        in.close();
    }
}
