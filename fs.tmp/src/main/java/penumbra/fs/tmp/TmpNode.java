// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fs.tmp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import penumbra.hw.PageSize;
import penumbra.object.VmObject;
import penumbra.vnode.FileNode;

/** A file in memory, opened once. */
final class TmpNode implements FileNode {
    private final TmpFile file;
    private final boolean writable;
    private final AtomicBoolean closed = new AtomicBoolean();

    TmpNode(TmpFile file, boolean writable) throws IOException {
        this.file = file;
        this.writable = writable;
        file.open();
    }

    @Override
    public String name() {
        return file.path();
    }

    @Override
    public long size() throws IOException {
        requireOpen();
        return file.size();
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
    public int run(long block, int limit) {
        return limit;
    }

    @Override
    public VmObject object() {
        return file.object();
    }

    @Override
    public long version() {
        return file.version();
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        requireOpen();
        return file.read(offset, to);
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        requireWritable();
        return file.write(offset, from);
    }

    /** Memory is as durable as it gets. */
    @Override
    public void fsync() throws IOException {
        requireOpen();
    }

    @Override
    public void truncate(long size) throws IOException {
        requireWritable();
        file.truncate(size);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            file.close();
        }
    }

    private void requireOpen() throws IOException {
        if (closed.get()) {
            throw new IOException(name() + ": is closed");
        }
    }

    private void requireWritable() throws IOException {
        requireOpen();
        if (!writable) {
            throw new IOException(name() + ": is open for reading only");
        }
    }
}
