// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import penumbra.vnode.FileNode;

/** A file that does what another does. */
class ForwardingNode implements FileNode {
    private final FileNode inner;

    ForwardingNode(FileNode inner) {
        this.inner = inner;
    }

    @Override
    public String name() {
        return inner.name();
    }

    @Override
    public long size() throws IOException {
        return inner.size();
    }

    @Override
    public int blockSize() {
        return inner.blockSize();
    }

    @Override
    public long map(long block) throws IOException {
        return inner.map(block);
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        return inner.read(offset, to);
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        return inner.write(offset, from);
    }

    @Override
    public void fsync() throws IOException {
        inner.fsync();
    }

    @Override
    public void truncate(long size) throws IOException {
        inner.truncate(size);
    }

    @Override
    public void close() throws IOException {
        inner.close();
    }
}
