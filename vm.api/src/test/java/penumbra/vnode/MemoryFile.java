// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/** A file in memory with blocks of any size, holes, and blocks wherever a test wants them. Thread-safe. */
public final class MemoryFile implements FileNode {
    private final String name;
    private final int blockSize;
    /** Where a block that is there is said to be. */
    private final LongUnaryOperator places;

    private final Map<Long, byte[]> blocks = new HashMap<>();
    private long size;
    private long version = 1;
    private int closes;
    private int transfers;

    /** An empty file whose blocks are in order. */
    public MemoryFile(String name, int blockSize) {
        this(name, blockSize, block -> block);
    }

    /** An empty file whose block {@code n} is at {@code places(n)}. */
    public MemoryFile(String name, int blockSize, LongUnaryOperator places) {
        this.name = name;
        this.blockSize = blockSize;
        this.places = places;
    }

    /** A file with these contents and no holes. */
    public static MemoryFile of(String name, int blockSize, byte[] contents) {
        MemoryFile file = new MemoryFile(name, blockSize);
        file.put(0, contents);
        return file;
    }

    /** Writes like somebody who does not use this node. */
    public synchronized void put(long offset, byte[] bytes) {
        version++;
        for (int i = 0; i < bytes.length; i++) {
            long at = offset + i;
            blocks.computeIfAbsent(at / blockSize, block -> new byte[blockSize])[(int) (at % blockSize)] = bytes[i];
        }
        size = Math.max(size, offset + bytes.length);
    }

    /** All bytes. */
    public synchronized byte[] contents() {
        byte[] bytes = new byte[(int) size];
        for (int at = 0; at < bytes.length; at++) {
            byte[] block = blocks.get((long) at / blockSize);
            bytes[at] = block == null ? 0 : block[at % blockSize];
        }
        return bytes;
    }

    /** How often {@link #close} was called. */
    public synchronized int closes() {
        return closes;
    }

    /** How many reads and writes were made. */
    public synchronized int transfers() {
        return transfers;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public synchronized long size() throws IOException {
        requireOpen();
        return size;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public synchronized long map(long block) {
        return blocks.containsKey(block) ? places.applyAsLong(block) : HOLE;
    }

    @Override
    public synchronized int read(long offset, ByteBuffer to) throws IOException {
        requireOpen();
        transfers++;
        int count = (int) Math.max(0, Math.min(to.remaining(), size - offset));
        for (long at = offset; at < offset + count; at++) {
            byte[] block = blocks.get(at / blockSize);
            to.put(block == null ? 0 : block[(int) (at % blockSize)]);
        }
        return count;
    }

    @Override
    public synchronized int write(long offset, ByteBuffer from) throws IOException {
        requireOpen();
        transfers++;
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        put(offset, bytes);
        return bytes.length;
    }

    @Override
    public synchronized void fsync() throws IOException {
        requireOpen();
    }

    @Override
    public synchronized long version() {
        return version;
    }

    @Override
    public synchronized void truncate(long newSize) throws IOException {
        requireOpen();
        version++;
        blocks.keySet().removeIf(block -> block * blockSize >= newSize);
        byte[] last = blocks.get(newSize / blockSize);
        if (last != null) {
            Arrays.fill(last, (int) (newSize % blockSize), blockSize, (byte) 0);
        }
        size = newSize;
    }

    @Override
    public synchronized void close() {
        closes++;
    }

    private void requireOpen() throws IOException {
        if (closes > 0) {
            throw new IOException(name + ": is closed");
        }
    }
}
