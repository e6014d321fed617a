// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.MemoryFile;

/** A file system in memory whose files have as many open nodes as were opened and not closed. */
class MemoryFiles implements FileSystem {
    private final String name;
    private final Map<String, MemoryFile> files;
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger opened = new AtomicInteger();

    MemoryFiles(String name) {
        this(name, new ConcurrentHashMap<>());
    }

    private MemoryFiles(String name, Map<String, MemoryFile> files) {
        this.name = name;
        this.files = files;
    }

    /** Another provider of the same files. */
    MemoryFiles successor() {
        return new MemoryFiles(name, files);
    }

    MemoryFile create(String path, byte[] contents) {
        MemoryFile file = MemoryFile.of(path, 4_096, contents);
        files.put(path, file);
        return file;
    }

    void link(String path, String other) {
        files.put(other, file(path));
    }

    void rename(String path, String other) {
        link(path, other);
        files.remove(path);
    }

    private MemoryFile file(String path) {
        MemoryFile file = files.get(path);
        if (file == null) {
            throw new IllegalArgumentException(path);
        }
        return file;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Object identity(String path) throws IOException {
        MemoryFile file = files.get(path);
        if (file == null) {
            throw new IOException(path + ": no such file");
        }
        return file;
    }

    @Override
    public FileNode open(String path, boolean writable) throws IOException {
        MemoryFile file = (MemoryFile) identity(path);
        open.incrementAndGet();
        opened.incrementAndGet();
        return new Node(file, writable);
    }

    /** One open file. */
    private final class Node implements FileNode {
        private final MemoryFile file;
        private final boolean writable;
        private boolean closed;

        Node(MemoryFile file, boolean writable) {
            this.file = file;
            this.writable = writable;
        }

        @Override
        public String name() {
            return file.name();
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public int blockSize() {
            return file.blockSize();
        }

        @Override
        public long map(long block) {
            return file.map(block);
        }

        @Override
        public int read(long offset, ByteBuffer to) throws IOException {
            require(!closed, "is closed");
            return file.read(offset, to);
        }

        @Override
        public int write(long offset, ByteBuffer from) throws IOException {
            require(!closed, "is closed");
            require(writable, "is open for reading only");
            return file.write(offset, from);
        }

        @Override
        public void fsync() throws IOException {
            file.fsync();
        }

        @Override
        public long version() {
            return file.version();
        }

        @Override
        public void truncate(long size) throws IOException {
            require(writable, "is open for reading only");
            file.truncate(size);
        }

        @Override
        public void close() throws IOException {
            require(!closed, "was closed twice");
            closed = true;
            open.decrementAndGet();
        }

        private void require(boolean condition, String otherwise) throws IOException {
            if (!condition) {
                throw new IOException(file.name() + ": " + otherwise);
            }
        }
    }
}
