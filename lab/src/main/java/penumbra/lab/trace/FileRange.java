// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** A part of a file, read by position, so that any number of parts of one file can be read at a time. */
final class FileRange extends InputStream {
    private final FileChannel file;
    private long next;
    private final long end;

    FileRange(FileChannel file, long start, long length) {
        this.file = file;
        this.next = start;
        this.end = start + length;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
        int piece = (int) Math.min(length, end - next);
        if (piece <= 0) {
            return length == 0 ? 0 : -1;
        }
        int got = file.read(ByteBuffer.wrap(into, at, piece), next);
        if (got > 0) {
            next += got;
        }
        return got;
    }
}
