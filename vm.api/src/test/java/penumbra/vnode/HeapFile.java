// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.hw.PageSize;

/** A file of fixed size on the Java heap, open to the test, whose fsync can be made to fail. */
public final class HeapFile implements FileNode {
    /** Every byte, in order; zero at first. */
    public final byte[] contents;

    /** How often {@link #fsync} was called. */
    public volatile int fsyncs;

    /** Whether {@link #fsync} fails. */
    public volatile boolean fsyncFails;

    /** A file of {@code pages} pages. */
    public HeapFile(int pages) {
        contents = new byte[pages << PageSize.SHIFT];
    }

    /** A file of {@code pages} pages; every byte of page {@code p} is {@code p + 1} until it is written. */
    public static HeapFile numbered(int pages) {
        HeapFile file = new HeapFile(pages);
        for (int i = 0; i < file.contents.length; i++) {
            file.contents[i] = byteAt(i);
        }
        return file;
    }

    /** What a {@link #numbered} file has at {@code position} at first. */
    public static byte byteAt(int position) {
        return (byte) (1 + (position >> PageSize.SHIFT));
    }

    @Override
    public String name() {
        return "file of " + contents.length + " bytes";
    }

    @Override
    public long size() {
        return contents.length;
    }

    @Override
    public int blockSize() {
        return PageSize.BYTES;
    }

    @Override
    public long map(long block) {
        return block;
    }

    @Override
    public int read(long offset, ByteBuffer to) {
        int count = (int) Math.max(0, Math.min(to.remaining(), contents.length - offset));
        to.put(contents, (int) offset, count);
        return count;
    }

    @Override
    public int write(long offset, ByteBuffer from) {
        int count = (int) Math.max(0, Math.min(from.remaining(), contents.length - offset));
        from.get(contents, (int) offset, count);
        return count;
    }

    @Override
    public synchronized void fsync() throws IOException {
        fsyncs++;
        if (fsyncFails) {
            throw new IOException("the medium is gone");
        }
    }

    @Override
    public void truncate(long size) {
        throw new UnsupportedOperationException("a file of this kind keeps its size");
    }

    @Override
    public void close() {
        // Nothing to give up.
    }
}
