// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.zswap;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.hw.PageSize;

/** Compresses and decompresses one page at a time between two buffers outside the heap. One thread at a time. */
final class PageCodec implements AutoCloseable {
    /** Of the hash table: as many bits as a page has bytes. Clearing a larger one costs more than it finds. */
    private static final int HASH_LOG = PageSize.SHIFT;

    /** At levels that are meant to be fast, shorter matches cost more than they save; zstd knows no longer limit. */
    private static final int MIN_MATCH = 7;

    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
    private final ByteBuffer plain = ByteBuffer.allocateDirect(PageSize.BYTES);
    private final ByteBuffer packed = ByteBuffer.allocateDirect((int) Zstd.compressBound(PageSize.BYTES));

    /** The page without its last and without its first word: equal when all words are. */
    private final ByteBuffer leading = plain.slice(0, PageSize.BYTES - Long.BYTES);

    private final ByteBuffer trailing = plain.slice(Long.BYTES, PageSize.BYTES - Long.BYTES);

    /** A codec of zstd's {@code level}; the lower, the faster. */
    PageCodec(int level) {
        // The entry knows the length, and the location map the checksum.
        compressor
                .setLevel(level)
                .setHashLog(HASH_LOG)
                .setWindowLog(PageSize.SHIFT)
                .setMagicless(true)
                .setContentSize(false)
                .setChecksum(false)
                .setDictID(false);
        if (level < 0) {
            compressor.setMinMatch(MIN_MATCH);
        }
        decompressor.setMagicless(true);
    }

    /** The page, plain. */
    ByteBuffer plain() {
        return plain;
    }

    /** The page, compressed. */
    ByteBuffer packed() {
        return packed;
    }

    /** Whether the plain page is one word over and over. */
    boolean isSame() {
        return leading.mismatch(trailing) < 0;
    }

    /** The first word of the plain page. */
    long word() {
        return plain.getLong(0);
    }

    /** Makes the plain page one word over and over. */
    void fill(long word) {
        for (int at = 0; at < PageSize.BYTES; at += Long.BYTES) {
            plain.putLong(at, word);
        }
    }

    /** Compresses the plain page; returns the bytes it takes, which may be more than it had. */
    int pack() {
        return compressor.compressDirectByteBuffer(packed, 0, packed.capacity(), plain, 0, PageSize.BYTES);
    }

    /**
     * Decompresses {@code length} bytes.
     *
     * @throws IOException when they are not a page
     */
    void unpack(int length) throws IOException {
        try {
            int bytes = decompressor.decompressDirectByteBuffer(plain, 0, PageSize.BYTES, packed, 0, length);
            if (bytes != PageSize.BYTES) {
                throw new IOException("compressed memory holds " + bytes + " bytes of a page");
            }
        } catch (ZstdException e) {
            throw new IOException("compressed memory does not hold a page: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        compressor.close();
        decompressor.close();
    }
}
