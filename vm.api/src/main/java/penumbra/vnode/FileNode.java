// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;
import penumbra.object.VmObject;

/**
 * The contents of one open file, as its file system gives them.
 *
 * <p>Thread-safe. Methods may block; they are called with no lock held but the vnode's. An {@link IOException} tells
 * the pager that nothing can be said about the range concerned: reads may have filled part of the buffer, writes may
 * have changed any part of the range. Concurrent transfers of overlapping ranges may tear. A transfer that does not
 * fail is believed: nothing above compares checksums.
 */
@ConsumerType
public interface FileNode {
    /** What {@link #map} answers for a hole. */
    long HOLE = -1;

    /** The name for messages: the path. */
    String name();

    /** The size in bytes. */
    long size() throws IOException;

    /** Bytes in a block, a power of two from 512 to 65536. */
    int blockSize();

    /**
     * Where a block is stored ({@code VOP_BMAP}).
     *
     * @param block the block in the file
     * @return the place of the block, in blocks, such that blocks with consecutive places can be transferred at once;
     *     or {@link #HOLE}
     */
    long map(long block) throws IOException;

    /**
     * How many blocks from {@code block} on are stored one after the other, so that one transfer can move them.
     *
     * @param limit how many are of interest, at least 1
     * @return from 1 to {@code limit}; 0 for a hole
     */
    default int run(long block, int limit) throws IOException {
        long place = map(block);
        int length = place == HOLE ? 0 : 1;
        while (length > 0 && length < limit && map(block + length) == place + length) {
            length++;
        }
        return length;
    }

    /**
     * The swap object that the contents live in, so that mappings are of it and no page is there twice
     * ({@code OBJ_TMPFS}). The node keeps a reference to it until it is closed.
     *
     * @return null when the contents come and go by transfers, as those of most files do
     */
    default @Nullable VmObject object() throws IOException {
        return null;
    }

    /**
     * Reads from {@code offset} until {@code to} has no room or the file ends; short only at the end of the file.
     *
     * @return the bytes read; 0 at or past the end
     */
    int read(long offset, ByteBuffer to) throws IOException;

    /**
     * Writes what {@code from} has left at {@code offset}, extending the file if need be.
     *
     * @return the bytes written; fewer than asked when the medium is full
     */
    int write(long offset, ByteBuffer from) throws IOException;

    /** Makes what was written durable; after a failure nothing written before counts as durable ({@code VOP_FSYNC}). */
    void fsync() throws IOException;

    /**
     * Tells one state of the contents from another: the same as long as nobody changed the file, in whatever way. A
     * file system that cannot tell answers 0 always.
     */
    default long version() throws IOException {
        return 0;
    }

    /** Cuts or extends the file to {@code size} bytes. */
    void truncate(long size) throws IOException;

    /** Gives up the file; called once, when the vnode is reclaimed. */
    void close() throws IOException;
}
