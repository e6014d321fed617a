// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.nio.ByteBuffer;
import penumbra.vnode.FileNode;

/** A file that breaks its contract with every call. */
final class RogueNode implements FileNode {
    @Override
    public String name() {
        return "rogue";
    }

    @Override
    public long size() {
        return 100;
    }

    @Override
    public int blockSize() {
        return 4_096;
    }

    @Override
    public long map(long block) {
        return -7;
    }

    @Override
    public int read(long offset, ByteBuffer to) {
        throw new IllegalStateException("boom");
    }

    @Override
    public int write(long offset, ByteBuffer from) {
        return 20;
    }

    @Override
    public void fsync() {
        throw new IllegalStateException("boom");
    }

    @Override
    public void truncate(long size) {
        throw new IllegalStateException("boom");
    }

    @Override
    public void close() {
        throw new IllegalStateException("boom");
    }
}
