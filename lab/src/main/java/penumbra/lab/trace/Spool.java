// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A temporary file that holds the encoded logs of a recording, because processes are replayed side by side while logs
 * are read in any order. The file has no name any more as soon as it is open, so nothing is left behind however the
 * program ends. For one thread at a time while it is written, for any number afterwards.
 */
final class Spool implements Closeable {
    /** One process in the spool: written in pieces between those of others, read as a whole. */
    final class Part extends OutputStream implements Segment {
        private record Piece(long start, long end) {}

        private final List<Piece> pieces = new ArrayList<>();

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int at, int count) throws IOException {
            long start = length;
            ByteBuffer rest = ByteBuffer.wrap(bytes, at, count);
            try {
                while (rest.hasRemaining()) {
                    length += file.write(rest, length);
                }
            } catch (IOException e) {
                throw unusable(e);
            }
            int last = pieces.size() - 1;
            if (last >= 0 && pieces.get(last).end() == start) {
                pieces.set(last, new Piece(pieces.get(last).start(), length));
            } else {
                pieces.add(new Piece(start, length));
            }
        }

        @Override
        public InputStream open() {
            return new SequenceInputStream(Collections.enumeration(pieces.stream()
                    .map(piece -> new FileRange(file, piece.start(), piece.end() - piece.start()))
                    .toList()));
        }
    }

    private final FileChannel file;
    private long length;

    /** Makes an empty file in the directory for temporary files. */
    Spool() throws BadInput {
        try {
            Path path = Files.createTempFile("penumbra-", ".spool");
            file = FileChannel.open(
                    path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private static BadInput unusable(IOException e) {
        return new BadInput(
                System.getProperty("java.io.tmpdir"), "a temporary file cannot be written: " + e.getMessage(), e);
    }

    /** A new, empty part. */
    Part part() {
        return new Part();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
