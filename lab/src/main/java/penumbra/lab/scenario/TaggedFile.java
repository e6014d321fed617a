// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import penumbra.hw.PageSize;
import penumbra.vnode.FileNode;

/**
 * A script's file: contents by tag, holes, and writes that fail when the script says so. Blocks are as long as pages
 * and stored one after the other.
 */
final class TaggedFile implements FileNode {
    private static final long TAGS_PER_FILE = 1_000_000;
    /** A hole mask has one bit a page. */
    private static final int MASKABLE_PAGES = 64;

    private final int number;
    /** The contents in whole blocks; the last one holds its tag beyond the end of the file, where nobody reads it. */
    private byte[] bytes;

    private long size;
    private @Nullable Cache cache;
    private long holes;
    private boolean failNextWrite;
    private int writeLimit = -1;

    /**
     * File {@code number}, whose page p holds tag {@code number * 1000000 + p}, zero past the end and in holes.
     *
     * @param holeMask bit p: page p is a hole
     */
    TaggedFile(int number, long size, long holeMask) {
        this.number = number;
        this.size = size;
        this.bytes = new byte[blocks(size)];
        this.holes = holeMask;
        byte[] page = new byte[PageSize.BYTES];
        for (int p = 0; p < pages(); p++) {
            if (!hole(p)) {
                for (int block = 0; block < Tags.BLOCKS; block++) {
                    Tags.fillBlock(page, block * PageSize.BLOCK, number * TAGS_PER_FILE + p);
                }
                int start = p * PageSize.BYTES;
                System.arraycopy(page, 0, bytes, start, Math.min(PageSize.BYTES, bytes.length - start));
            }
        }
    }

    /** {@code size} in whole blocks, as bytes. */
    private static int blocks(long size) {
        return Math.toIntExact(size + PageSize.BLOCK - 1 & -PageSize.BLOCK);
    }

    /** The memory that a write comes from. */
    interface Cache {
        /** What the block at {@code offset} of the file shows in memory. */
        long blockTag(long offset);
    }

    /**
     * Says where writes come from, instead of taking their bytes as they are: like the original's harness, a write
     * copies the number of the block in which the file ends, which is 0 when the rest of the block is zero in memory.
     */
    synchronized void setCache(Cache memory) {
        cache = memory;
    }

    private boolean hole(long page) {
        return page < MASKABLE_PAGES && (holes >>> page & 1) != 0;
    }

    int pages() {
        return (int) PageSize.index(PageSize.ceiling(size));
    }

    /** What page {@code page} holds; zero past the end. */
    synchronized long[] tags(int page) {
        int start = page * PageSize.BYTES;
        byte[] copy = Arrays.copyOfRange(bytes, start, start + PageSize.BYTES);
        return Tags.of(ByteBuffer.wrap(copy));
    }

    /** The next write fails. */
    synchronized void failNextWrite() {
        failNextWrite = true;
    }

    /** The next write stops after {@code pages} pages. */
    synchronized void limitNextWrite(int pages) {
        writeLimit = pages;
    }

    @Override
    public String name() {
        return "file" + number;
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return PageSize.BYTES;
    }

    @Override
    public synchronized long map(long block) {
        return hole(block) ? HOLE : block;
    }

    @Override
    public synchronized int read(long offset, ByteBuffer to) {
        if (offset >= size) {
            return 0;
        }
        int length = (int) Math.min(to.remaining(), size - offset);
        to.put(bytes, (int) offset, length);
        return length;
    }

    @Override
    public synchronized int write(long offset, ByteBuffer from) throws IOException {
        if (failNextWrite) {
            failNextWrite = false;
            throw new IOException(name() + ": write at " + offset + " failed as the script asked");
        }
        int length = from.remaining();
        if (writeLimit >= 0) {
            length = Math.min(length, writeLimit * PageSize.BYTES);
            writeLimit = -1;
        }
        int end = Math.toIntExact(offset + length);
        if (end > size) {
            size = end;
        }
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, blocks(end));
        }
        from.get(bytes, (int) offset, length);
        int partial = end % PageSize.BLOCK;
        Cache memory = cache;
        if (memory != null && end == size && partial != 0) {
            Tags.fillBlock(bytes, end - partial, memory.blockTag(end - partial));
        }
        for (long page = PageSize.index(offset); page < PageSize.index(PageSize.ceiling(end)); page++) {
            if (page < MASKABLE_PAGES) {
                holes &= ~(1L << page);
            }
        }
        return length;
    }

    @Override
    public void fsync() {
        // What was written is as durable as the script.
    }

    @Override
    public synchronized void truncate(long size) {
        long kept = Math.min(size, this.size);
        this.size = size;
        bytes = Arrays.copyOf(bytes, blocks(size));
        if (cache == null) {
            Arrays.fill(bytes, (int) kept, bytes.length, (byte) 0);
        }
    }

    @Override
    public void close() {
        // Nothing but memory.
    }
}
