// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;
import penumbra.hw.PageSize;

/**
 * The first bytes of a swap file; the rest of its first two pages, which FreeBSD leaves to a disk label, is zero.
 *
 * @param identity what the file is recognised by
 * @param pages its size, header included
 */
record SwapHeader(UUID identity, long pages) {
    /** Pages that the header takes. */
    static final int PAGES = 2;

    /** {@code PENSWAP} and the format's version, 1. */
    private static final long MAGIC = 0x50454e5357415001L;

    private static final int BYTES = 4 * Long.BYTES;

    /** Reads the header of {@code path}; one line says why when it has none. */
    static SwapHeader read(FileChannel channel, Path path) throws IOException {
        ByteBuffer bytes = aligned(PageSize.BYTES);
        int n = 0;
        while (bytes.hasRemaining() && n >= 0) {
            n = channel.read(bytes, bytes.position());
        }
        bytes.flip();
        if (bytes.limit() < BYTES || bytes.getLong() != MAGIC) {
            throw new IOException(path + ": not a swap file of ours; it is left alone");
        }
        return new SwapHeader(new UUID(bytes.getLong(), bytes.getLong()), bytes.getLong());
    }

    /** Room for {@code length} bytes that can be transferred past the host's cache: whole pages at a page's address. */
    static ByteBuffer aligned(int length) {
        return ByteBuffer.allocateDirect(length + PageSize.BYTES)
                .alignedSlice(PageSize.BYTES)
                .limit(length)
                .slice();
    }

    void write(FileChannel channel) throws IOException {
        ByteBuffer bytes = aligned(PAGES * PageSize.BYTES);
        bytes.putLong(MAGIC)
                .putLong(identity.getMostSignificantBits())
                .putLong(identity.getLeastSignificantBits())
                .putLong(pages)
                .rewind();
        while (bytes.hasRemaining()) {
            channel.write(bytes, bytes.position());
        }
    }
}
