// SPDX-License-Identifier: BSD-2-Clause
package penumbra.bench;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import penumbra.hw.PageSize;
import penumbra.kern.SteadyChannel.Opener;
import penumbra.pager.BackingStore;
import penumbra.pager.swap.FileStore;
import penumbra.pager.swap.SwapFileSettings;

/**
 * A swap file whose blocks are all on disk, and the plain transfers that paging is compared with: of 64 KiB, one after
 * the other, from one buffer. They use the second half of the file, which paging leaves alone as long as the first has
 * room.
 */
final class SwapDisk implements AutoCloseable {
    /** Pages in one transfer, the longest run of the pager. */
    private static final int CHUNK = BackingStore.MAX_RUN;

    private final Path path;
    private final long half;
    private final boolean direct;
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect((CHUNK + 1) * PageSize.BYTES)
            .alignedSlice(PageSize.BYTES)
            .limit(CHUNK * PageSize.BYTES)
            .slice();

    /**
     * Makes the file.
     *
     * @param pages its size, twice of what is paged
     * @param direct whether all transfers pass the host's cache by
     */
    SwapDisk(Path path, long pages, boolean direct) throws IOException {
        this.path = path;
        this.half = pages / 2 / CHUNK * CHUNK;
        this.direct = direct;
        FileStore.open(new SwapFileSettings("disk", path, pages, true, direct, false), Opener.HOST)
                .close();
        channel = opener().open(path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
        byte[] noise = new byte[buffer.capacity()];
        new SplittableRandom(1).nextBytes(noise);
        buffer.put(noise);
    }

    /** How the file is opened. */
    Opener opener() {
        return (file, options) -> {
            Set<OpenOption> all = new HashSet<>(options);
            if (direct) {
                all.add(ExtendedOpenOption.DIRECT);
            }
            return FileChannel.open(file, all);
        };
    }

    Path path() {
        return path;
    }

    /** Writes the 16 pages from {@code page} on; returns the nanoseconds it took. */
    long write(long page) throws IOException {
        long start = System.nanoTime();
        if (channel.write(buffer.clear(), PageSize.bytes(half + page)) != buffer.capacity()) {
            throw new IOException("short write");
        }
        return System.nanoTime() - start;
    }

    /** Reads the 16 pages from {@code page} on; returns the nanoseconds it took. */
    long read(long page) throws IOException {
        long start = System.nanoTime();
        if (channel.read(buffer.clear(), PageSize.bytes(half + page)) != buffer.capacity()) {
            throw new IOException("short read");
        }
        return System.nanoTime() - start;
    }

    /** Writes {@code pages} pages, one transfer after the other; returns the nanoseconds it took. */
    long writeAll(long pages) throws IOException {
        long nanos = 0;
        for (long page = 0; page < pages; page += CHUNK) {
            nanos += write(page);
        }
        return nanos;
    }

    /** Reads {@code pages} pages, one transfer after the other; returns the nanoseconds it took. */
    long readAll(long pages) throws IOException {
        long nanos = 0;
        for (long page = 0; page < pages; page += CHUNK) {
            nanos += read(page);
        }
        return nanos;
    }

    /** Copies {@code pages} pages to another file, chunk by chunk; returns the nanoseconds it took. */
    long copyTo(SwapDisk other, long pages) throws IOException {
        long start = System.nanoTime();
        for (long page = 0; page < pages; page += CHUNK) {
            int moved = channel.read(buffer.clear(), PageSize.bytes(half + page))
                    + other.channel.write(buffer.flip(), PageSize.bytes(half + page));
            if (moved != 2 * buffer.capacity()) {
                throw new IOException("short transfer");
            }
        }
        return System.nanoTime() - start;
    }

    /** Computes the checksums of {@code pages} pages, as the pager does; returns the nanoseconds it took. */
    long checksum(long pages) {
        CRC32C crc = new CRC32C();
        long sum = 0;
        long start = System.nanoTime();
        for (long page = 0; page < pages; page++) {
            int at = (int) (page % CHUNK) * PageSize.BYTES;
            crc.reset();
            crc.update(buffer.limit(at + PageSize.BYTES).position(at));
            sum += crc.getValue();
        }
        long nanos = System.nanoTime() - start;
        if (sum == 0) {
            throw new IllegalStateException("noise whose checksums are 0");
        }
        return nanos;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
