// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.StampedLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.object.VmObject;
import penumbra.vnode.FileNode;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemAway;

/**
 * The contents of a vnode, whoever gives them: what goes wrong in a file system comes out as an {@link IOException}
 * that names the file, and a file system may leave and come back between two calls.
 *
 * <p>A gate is open to all calls while the contents are there, and closed to change them: {@link #park} and
 * {@link #close} wait until the calls under way have returned.
 */
final class GuardedNode implements FileNode {
    private static final Logger LOG = LoggerFactory.getLogger(GuardedNode.class);

    /** The limits of {@link FileNode#blockSize}: a device block, and FreeBSD's {@code MAXBSIZE}. */
    private static final int LEAST_BLOCK = 512;

    private static final int MOST_BLOCK = 65536;

    /** A size that could not be had. */
    private static final long UNKNOWN = -1;

    private final String name;
    private final int blockSize;
    /** How long a call waits for a file system that has gone, in nanoseconds. */
    private final LongSupplier returnWait;

    private final long openedVersion;
    private final StampedLock gate = new StampedLock();

    // Written by whoever has closed the gate.

    /** Null when the contents have no name, so that they cannot be opened again. */
    private volatile @Nullable Contents contents;

    private volatile @Nullable FileNode node;
    private @Nullable FileSystem by;
    private boolean writable;
    private volatile boolean closed;
    private long parkedSize;

    private volatile boolean written;
    /** The first failure to make writes durable: what was written before may be lost, whatever a later call says. */
    private volatile @Nullable IOException lost;

    /** Guards contents without a name. */
    GuardedNode(FileNode node) throws IOException {
        this(node, null, null, true, () -> 0);
    }

    /** Guards a file that has just been opened. */
    GuardedNode(Contents contents, Contents.Opened opened, boolean writable, LongSupplier returnWait)
            throws IOException {
        this(opened.node(), opened.by(), contents, writable, returnWait);
    }

    private GuardedNode(
            FileNode node,
            @Nullable FileSystem by,
            @Nullable Contents contents,
            boolean writable,
            LongSupplier returnWait)
            throws IOException {
        this.node = node;
        this.by = by;
        this.contents = contents;
        this.writable = writable;
        this.returnWait = returnWait;
        try {
            this.name = node.name();
            this.blockSize = node.blockSize();
            this.openedVersion = node.version();
        } catch (RuntimeException | LinkageError e) {
            throw new IOException("file system failed: " + e, e);
        }
        if (Integer.bitCount(blockSize) != 1 || blockSize < LEAST_BLOCK || blockSize > MOST_BLOCK) {
            throw new IOException(name + ": block size " + blockSize + ": expected a power of two from " + LEAST_BLOCK
                    + " to " + MOST_BLOCK);
        }
    }

    /** Gives up {@code node}, whatever it says to that. */
    static void closeQuietly(FileNode node, String name) {
        try {
            node.close();
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{}: close: {}", name, e.toString());
        }
    }

    // The life of the contents

    /** Whether the file is as it was when it was opened: nobody wrote through this node, nor in any other way. */
    boolean unchanged() {
        try {
            return !written && openedVersion == version();
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Whether a call would wait for a file system; that may change at once. Contents whose file system is back are not
     * away, though nobody has asked for them yet.
     */
    boolean away() {
        Contents source = contents;
        return node == null && !closed && (source == null || !source.canBeOpened());
    }

    /** Whether an {@link #fsync} failed. */
    boolean writesLost() {
        return lost != null;
    }

    /** Opens the contents for writing too, if they were not, by the name that they have now. */
    void makeWritable(Contents named) throws IOException {
        long stamp = gate.writeLock();
        try {
            if (!writable) {
                replace(named.open(true));
                contents = named;
                writable = true;
            }
        } finally {
            gate.unlockWrite(stamp);
        }
    }

    /** Gives up the contents if they are {@code gone}'s, until its name is there again. */
    void park(FileSystem gone) {
        long stamp = gate.writeLock();
        try {
            FileNode old = node;
            if (by == gone && old != null) {
                parkedSize = sizeOf(old);
                node = null;
                by = null;
                closeQuietly(old, name);
            }
        } finally {
            gate.unlockWrite(stamp);
        }
    }

    /** Waits until the contents are there again, as long as the table says, and goes through the gate. */
    private long comeBack() throws IOException {
        long deadline = System.nanoTime() + returnWait.getAsLong();
        while (true) {
            waitForFileSystem(deadline - System.nanoTime());
            try {
                unpark();
            } catch (FileSystemAway e) {
                LOG.debug("{}: {}", name, e.getMessage());
            }
            long stamp = gate.readLock();
            if (node != null) {
                return stamp;
            }
            gate.unlockRead(stamp);
        }
    }

    private void unpark() throws IOException {
        long stamp = gate.writeLock();
        try {
            if (node != null) {
                return;
            }
            Contents source = contents;
            if (closed || source == null) {
                throw new IOException(name + ": is closed");
            }
            Contents.Opened opened = source.open(writable);
            if (!isSame(opened.node())) {
                closeQuietly(opened.node(), name);
                throw new IOException(name + ": has changed while its file system was gone");
            }
            replace(opened);
        } finally {
            gate.unlockWrite(stamp);
        }
    }

    private void waitForFileSystem(long nanos) throws IOException {
        long stamp = gate.readLock();
        Contents source = closed ? null : contents;
        gate.unlockRead(stamp);
        if (source != null) {
            source.await(nanos);
        }
    }

    /** Whether {@code back} is what was parked, as far as can be told: our own writes change the version, too. */
    private boolean isSame(FileNode back) {
        try {
            return written ? parkedSize == UNKNOWN || back.size() == parkedSize : back.version() == openedVersion;
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{}: {}", name, e.toString());
            return false;
        }
    }

    private void replace(Contents.Opened opened) {
        FileNode old = node;
        node = opened.node();
        by = opened.by();
        if (old != null) {
            closeQuietly(old, name);
        }
    }

    private long sizeOf(FileNode leaving) {
        try {
            return leaving.size();
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{}: {}", name, e.toString());
            return UNKNOWN;
        }
    }

    @Override
    public void close() throws IOException {
        long stamp = gate.writeLock();
        try {
            FileNode old = node;
            node = null;
            closed = true;
            if (old != null) {
                old.close();
            }
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockWrite(stamp);
        }
    }

    // Calls

    @Override
    public String name() {
        return name;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public long size() throws IOException {
        long stamp = enter();
        try {
            long size = entered().size();
            if (size < 0) {
                throw new IOException(name + ": broken file system: size " + size);
            }
            return size;
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public long version() throws IOException {
        long stamp = enter();
        try {
            return entered().version();
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public long map(long block) throws IOException {
        long stamp = enter();
        try {
            long place = entered().map(block);
            if (place < HOLE) {
                throw new IOException(name + ": broken file system: block " + block + " at " + place);
            }
            return place;
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public int run(long block, int limit) throws IOException {
        long stamp = enter();
        try {
            int length = entered().run(block, limit);
            if (length < 0 || length > limit) {
                throw new IOException(name + ": broken file system: run of " + length + " of " + limit + " blocks");
            }
            return length;
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        long stamp = enter();
        try {
            int start = to.position();
            return moved("read", entered().read(offset, to), start, to);
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        long stamp = enter();
        try {
            written = true;
            int start = from.position();
            return moved("write", entered().write(offset, from), start, from);
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    /**
     * Also fails when an earlier call failed: a retry finds nothing left to write and would succeed without having
     * written.
     */
    @Override
    public void fsync() throws IOException {
        IOException before = lost;
        if (before != null) {
            throw new IOException(name + ": an earlier write was lost: " + before.getMessage(), before);
        }
        long stamp = enter();
        try {
            entered().fsync();
        } catch (IOException e) {
            lost = e;
            throw e;
        } catch (RuntimeException | LinkageError e) {
            IOException failure = failed(e);
            lost = failure;
            throw failure;
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public @Nullable VmObject object() throws IOException {
        long stamp = enter();
        try {
            return entered().object();
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    @Override
    public void truncate(long size) throws IOException {
        long stamp = enter();
        try {
            written = true;
            entered().truncate(size);
        } catch (RuntimeException | LinkageError e) {
            throw failed(e);
        } finally {
            gate.unlockRead(stamp);
        }
    }

    /** Goes through the gate, waiting for the contents if they are away; the stamp ends the call. */
    private long enter() throws IOException {
        long stamp = gate.readLock();
        if (node != null) {
            return stamp;
        }
        gate.unlockRead(stamp);
        return comeBack();
    }

    private FileNode entered() throws IOException {
        FileNode present = node;
        if (present == null) {
            throw new IOException(name + ": is closed");
        }
        return present;
    }

    private int moved(String what, int bytes, int start, ByteBuffer buffer) throws IOException {
        if (bytes < 0 || buffer.position() - start != bytes) {
            throw new IOException(name + ": broken file system: " + what + " answered " + bytes + " and moved "
                    + (buffer.position() - start) + " bytes");
        }
        return bytes;
    }

    private IOException failed(Throwable cause) {
        return new IOException(name + ": file system failed: " + cause, cause);
    }
}
