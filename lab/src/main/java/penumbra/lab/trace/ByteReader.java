// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Reads what a {@link ByteWriter} wrote. Everything that cannot be read is a {@link BadInput}. */
public final class ByteReader implements Closeable {
    private static final int CAPACITY = 1 << 16;

    /** The longest text, in bytes: far above Linux's longest path, and a bound on what a damaged length can cost. */
    private static final int LONGEST_TEXT = 1 << 20;

    private final String source;
    private final InputStream in;
    private final byte[] buffer = new byte[CAPACITY];
    private int next;
    private int limit;
    private long drained;

    /** Reads from {@code in}, which it closes with itself; {@code source} is the name for messages. */
    public ByteReader(String source, InputStream in) {
        this.source = source;
        this.in = in;
    }

    /** A complaint about the bytes just read. */
    public BadInput damaged(String problem) {
        return new BadInput(source, "damaged recording, " + problem + " before byte " + (drained + next));
    }

    /** The next byte, 0 to 255. */
    public int octet() throws IOException {
        if (next == limit) {
            fill();
        }
        return buffer[next++] & 0xff;
    }

    /** A number that {@link ByteWriter#number} wrote. */
    public long number() throws IOException {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int group = octet();
            value |= (group & 0x7fL) << shift;
            if (group < 0x80) {
                return value;
            }
        }
        throw damaged("a number without an end");
    }

    /** A number within bounds. */
    public int number(int least, int most) throws IOException {
        long value = number();
        if (value < least || value > most) {
            throw damaged("number " + value + " where " + least + " to " + most + " was expected");
        }
        return (int) value;
    }

    /** A number that {@link ByteWriter#difference} wrote. */
    public long difference() throws IOException {
        long value = number();
        return value >>> 1 ^ -(value & 1);
    }

    /** Text that {@link ByteWriter#text} wrote. */
    public String text() throws IOException {
        byte[] bytes = new byte[number(0, LONGEST_TEXT)];
        for (int at = 0; at < bytes.length; ) {
            if (next == limit) {
                fill();
            }
            int piece = Math.min(limit - next, bytes.length - at);
            System.arraycopy(buffer, next, bytes, at, piece);
            next += piece;
            at += piece;
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Fails if anything follows, or if the stream below finds at its end that it was damaged. */
    public void end() throws IOException {
        if (next < limit || read() > 0) {
            throw damaged("more than was expected");
        }
    }

    private void fill() throws IOException {
        if (read() <= 0) {
            throw damaged("it ends too early");
        }
    }

    private int read() throws IOException {
        drained += limit;
        next = 0;
        limit = 0;
        try {
            int got = in.read(buffer);
            limit = Math.max(got, 0);
            return got;
        } catch (IOException e) {
            throw Inputs.failure(source, e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
