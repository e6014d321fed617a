// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.map;

import java.nio.ByteBuffer;
import penumbra.hw.PageSize;
import penumbra.vnode.FileNode;

/** A file on the Java heap; every byte of page {@code p} is {@code p + 1} until it is written. */
final class MemoryFile implements FileNode {
    final byte[] contents;

    MemoryFile(int pages) {
        contents = new byte[pages << PageSize.SHIFT];
        for (int i = 0; i < contents.length; i++) {
            contents[i] = byteAt(i);
        }
    }

    static byte byteAt(int position) {
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
    public void fsync() {
        // The heap is as durable as it gets.
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
