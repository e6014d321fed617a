// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Numbers and text as bytes: numbers in groups of 7 bits, lowest first, so that small ones are short. */
public final class ByteWriter implements Closeable {
    private static final int CAPACITY = 1 << 16;

    /** The most bytes that a number takes. */
    private static final int LONGEST = 10;

    private final OutputStream out;
    private final byte[] buffer = new byte[CAPACITY];
    private int used;
    private long drained;

    /** Writes to {@code out}, which it closes with itself. */
    public ByteWriter(OutputStream out) {
        this.out = out;
    }

    /** How many bytes have been written. */
    public long position() {
        return drained + used;
    }

    /** Writes the low eight bits. */
    public void octet(int value) throws IOException {
        if (used == CAPACITY) {
            flush();
        }
        buffer[used++] = (byte) value;
    }

    /** Writes a number that is rarely negative. */
    public void number(long value) throws IOException {
        if (used > CAPACITY - LONGEST) {
            flush();
        }
        int at = used;
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            buffer[at++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        buffer[at++] = (byte) rest;
        used = at;
    }

    /** Writes a number that is small on either side of 0. */
    public void difference(long value) throws IOException {
        number(value << 1 ^ value >> 63);
    }

    /** Writes text with its length before it. */
    public void text(String value) throws IOException {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        number(bytes.length);
        stream().write(bytes);
    }

    /** This writer as a stream; closing it means nothing. */
    OutputStream stream() {
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                octet(value);
            }

            @Override
            public void write(byte[] bytes, int at, int count) throws IOException {
                ByteWriter.this.flush();
                out.write(bytes, at, count);
                drained += count;
            }
        };
    }

    /** Hands everything to the stream below, which is not flushed. */
    public void flush() throws IOException {
        out.write(buffer, 0, used);
        drained += used;
        used = 0;
    }

    @Override
    public void close() throws IOException {
        try (out) {
            flush();
        }
    }
}
