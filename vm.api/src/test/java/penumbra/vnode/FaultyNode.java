// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vnode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A file whose transfers fail when a test says so: once, from then on, or for want of room. Thread-safe. */
public final class FaultyNode implements FileNode {
    private final FileNode inner;
    private final AtomicInteger untilFailure = new AtomicInteger(Integer.MAX_VALUE);
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
    private final AtomicInteger shortBytes = new AtomicInteger(Integer.MAX_VALUE);
    private volatile boolean once = true;
    private volatile boolean fsyncFails;
    private volatile boolean mapFails;

    public FaultyNode(FileNode inner) {
        this.inner = inner;
    }

    /** Lets the {@code n}-th transfer from now fail with EIO, 1 being the next. */
    public void failOnce(int n) {
        once = true;
        untilFailure.set(n);
    }

    /** Lets the {@code n}-th transfer from now and all after it fail with EIO. */
    public void failFrom(int n) {
        once = false;
        untilFailure.set(n);
    }

    /** Lets nothing fail any more. */
    public void heal() {
        untilFailure.set(Integer.MAX_VALUE);
        room.set(Long.MAX_VALUE);
        fsyncFails = false;
        mapFails = false;
    }

    /**
     * Lets the medium take {@code bytes} bytes more: a write that finds less writes that, one that finds none fails.
     */
    public void setRoom(long bytes) {
        room.set(bytes);
    }

    /** Lets the next write take {@code bytes} bytes only. */
    public void shortenNextWrite(int bytes) {
        shortBytes.set(bytes);
    }

    public void failFsync() {
        fsyncFails = true;
    }

    public void failMap() {
        mapFails = true;
    }

    /** How many transfers failed. */
    public int failures() {
        return failures.get();
    }

    private void count(String what) throws IOException {
        int left = untilFailure.decrementAndGet();
        if (left == 0 || (left < 0 && !once)) {
            failures.incrementAndGet();
            throw new IOException(name() + ": " + what + ": input/output error");
        }
    }

    @Override
    public int read(long offset, ByteBuffer to) throws IOException {
        count("read");
        return inner.read(offset, to);
    }

    @Override
    public int write(long offset, ByteBuffer from) throws IOException {
        count("write");
        int wanted = from.remaining();
        int taken = (int) Math.min(wanted, room.getAndUpdate(left -> Math.max(0, left - wanted)));
        if (taken == 0 && wanted > 0) {
            failures.incrementAndGet();
            throw new IOException(name() + ": write: no space left on device");
        }
        taken = Math.min(taken, shortBytes.getAndSet(Integer.MAX_VALUE));
        ByteBuffer part = from.duplicate().limit(from.position() + taken);
        int written = inner.write(offset, part);
        from.position(from.position() + written);
        return written;
    }

    @Override
    public void fsync() throws IOException {
        if (fsyncFails) {
            throw new IOException(name() + ": fsync: input/output error");
        }
        inner.fsync();
    }

    @Override
    public long map(long block) throws IOException {
        if (mapFails) {
            throw new IOException(name() + ": map: input/output error");
        }
        return inner.map(block);
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
    public long version() throws IOException {
        return inner.version();
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
