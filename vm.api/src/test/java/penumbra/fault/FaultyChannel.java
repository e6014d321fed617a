// SPDX-License-Identifier: BSD-2-Clause
package penumbra.fault;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A channel of the host with the fault of a {@link FaultPlan} in it. */
final class FaultyChannel extends FileChannel {
    /** A device that is always full. */
    private static final Path FULL = Path.of("/dev/full");

    private final FileChannel host;
    private final FaultPlan plan;

    FaultyChannel(FileChannel host, FaultPlan plan) {
        this.host = host;
        this.plan = plan;
    }

    @FunctionalInterface
    private interface Call<T> {
        T make() throws IOException;
    }

    /** Makes a call of the host; a channel that it closes is closed here, too. */
    private <T> T onHost(Call<T> call) throws IOException {
        try {
            return call.make();
        } catch (ClosedChannelException e) {
            close();
            throw e;
        }
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
        if (!plan.fault().ofReads() || !plan.fires("read at " + position)) {
            return onHost(() -> host.read(to, position));
        }
        switch (plan.fault()) {
            case EIO:
                throw new IOException("Input/output error");
            case SHORT_READ:
                return onHost(() -> readPart(to, position));
            case MISDIRECTED_READ:
                return onHost(() -> readElsewhere(to, position));
            case STALE_READ:
                int start = to.position();
                int count = onHost(() -> host.read(to, position));
                plan.makeStale(to, start, position);
                return count;
            case SLOW:
                plan.beSlow();
                return onHost(() -> host.read(to, position));
            default:
                Thread.currentThread().interrupt();
                return onHost(() -> host.read(to, position));
        }
    }

    private int readPart(ByteBuffer to, long position) throws IOException {
        int limit = to.limit();
        to.limit(to.position() + Math.max(1, plan.part(to.remaining())));
        try {
            return host.read(to, position);
        } finally {
            to.limit(limit);
        }
    }

    /** What is somewhere else, zeroes behind the end of the file. */
    private int readElsewhere(ByteBuffer to, long position) throws IOException {
        int count = to.remaining();
        long at = plan.elsewhere(position);
        while (to.hasRemaining()) {
            int n = host.read(to, at);
            if (n < 0) {
                to.put(new byte[to.remaining()]);
            }
            at += n;
        }
        return count;
    }

    @Override
    public int write(ByteBuffer from, long position) throws IOException {
        plan.remember(host, position, from.remaining());
        if (!plan.fault().ofWrites() || !plan.fires("write at " + position)) {
            return onHost(() -> host.write(from, position));
        }
        switch (plan.fault()) {
            case EIO:
                throw new IOException("Input/output error");
            case ENOSPC:
                throw noRoom(from);
            case SHORT_WRITE:
                return onHost(() -> writePart(from, position));
            case TORN_WRITE:
                int all = from.remaining();
                onHost(() -> writePart(from, position));
                from.position(from.limit());
                return all;
            case MISDIRECTED_WRITE:
                return onHost(() -> host.write(from, plan.elsewhere(position)));
            case SLOW:
                plan.beSlow();
                return onHost(() -> host.write(from, position));
            default:
                Thread.currentThread().interrupt();
                return onHost(() -> host.write(from, position));
        }
    }

    /** What the host says of a full device, if it has one to ask. */
    private static IOException noRoom(ByteBuffer from) {
        if (Files.exists(FULL)) {
            try (FileChannel full = FileChannel.open(FULL, StandardOpenOption.WRITE)) {
                full.write(from.duplicate());
            } catch (IOException e) {
                return e;
            }
        }
        return new IOException("No space left on device");
    }

    private int writePart(ByteBuffer from, long position) throws IOException {
        int limit = from.limit();
        from.limit(from.position() + Math.max(1, plan.part(from.remaining())));
        try {
            return host.write(from, position);
        } finally {
            from.limit(limit);
        }
    }

    @Override
    public void force(boolean metaData) throws IOException {
        if (plan.fault().ofForces() && plan.fires("force")) {
            if (plan.fault() == Fault.FAILING_FSYNC) {
                throw new IOException("Input/output error");
            }
            Thread.currentThread().interrupt();
        }
        onHost(() -> {
            host.force(metaData);
            return true;
        });
    }

    @Override
    public long size() throws IOException {
        return onHost(host::size);
    }

    @Override
    public FileChannel truncate(long size) throws IOException {
        onHost(() -> host.truncate(size));
        return this;
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) throws IOException {
        return onHost(() -> host.lock(position, size, shared));
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) throws IOException {
        return onHost(() -> host.tryLock(position, size, shared));
    }

    @Override
    protected void implCloseChannel() throws IOException {
        host.close();
    }

    // Transfers at a position of the channel's own, which an interrupt would lose, and mappings, which
    // a full disk kills.

    @Override
    public int read(ByteBuffer to) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public long read(ByteBuffer[] to, int offset, int length) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public int write(ByteBuffer from) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public long position() {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public FileChannel position(long position) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
        throw new UnsupportedOperationException("transfers are positional");
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw new UnsupportedOperationException("files are not mapped");
    }
}
