// SPDX-License-Identifier: BSD-2-Clause
package penumbra.kern;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.CountDownLatch;

/** An empty file that can be read at a position, and whose closing takes until a test lets it end. */
final class SlowlyClosingChannel extends FileChannel {
    final CountDownLatch closing = new CountDownLatch(1);
    final CountDownLatch mayEnd = new CountDownLatch(1);
    volatile boolean ended;

    @Override
    protected void implCloseChannel() {
        closing.countDown();
        try {
            mayEnd.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        ended = true;
    }

    @Override
    public int read(ByteBuffer to, long position) throws ClosedChannelException {
        if (!isOpen()) {
            throw new ClosedChannelException();
        }
        return -1;
    }

    private static AssertionError unexpected() {
        return new AssertionError("positional reads only");
    }

    @Override
    public int read(ByteBuffer to) {
        throw unexpected();
    }

    @Override
    public long read(ByteBuffer[] to, int offset, int length) {
        throw unexpected();
    }

    @Override
    public int write(ByteBuffer from) {
        throw unexpected();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw unexpected();
    }

    @Override
    public int write(ByteBuffer from, long position) {
        throw unexpected();
    }

    @Override
    public long position() {
        throw unexpected();
    }

    @Override
    public FileChannel position(long position) {
        throw unexpected();
    }

    @Override
    public long size() {
        throw unexpected();
    }

    @Override
    public FileChannel truncate(long size) {
        throw unexpected();
    }

    @Override
    public void force(boolean metadata) {
        throw unexpected();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel to) {
        throw unexpected();
    }

    @Override
    public long transferFrom(ReadableByteChannel from, long position, long count) {
        throw unexpected();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw unexpected();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
        throw unexpected();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
        throw unexpected();
    }
}
