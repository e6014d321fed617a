// SPDX-License-Identifier: BSD-2-Clause
package penumbra.pager.swap;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.hw.PageSize;
import penumbra.kern.SteadyChannel;
import penumbra.kern.SteadyChannel.Opener;

/**
 * A swap file of the host: a header in its first two pages, and positional transfers behind it, which no interrupt can
 * cut. Thread-safe. The file is locked against other processes, and belongs to one {@code SwapFile} of this one.
 */
final class SwapFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SwapFile.class);

    /** Zeroes that are written at once to claim space. */
    private static final int CLAIM = 1 << 20;

    private final Path path;
    private final SwapHeader header;
    private final SteadyChannel channel;
    private volatile boolean closed;

    private SwapFile(Path path, SwapHeader header, SteadyChannel channel) {
        this.path = path;
        this.header = header;
        this.channel = channel;
    }

    /**
     * Opens a swap file, made first if it is not there; one of another size stays as it is.
     *
     * @throws IOException when the file is no swap file, in use, or cannot be made; the message is one line
     */
    static SwapFile open(SwapFileSettings settings, Opener opener) throws IOException {
        return open(settings, opener, header -> true);
    }

    /** As {@link #open(SwapFileSettings, Opener)}, but one of another size is resized and becomes a new one. */
    static SwapFile fit(SwapFileSettings settings, Opener opener) throws IOException {
        return open(settings, opener, header -> header.pages() == settings.pages());
    }

    private static SwapFile open(SwapFileSettings settings, Opener opener, Predicate<SwapHeader> keeps)
            throws IOException {
        boolean there = Files.exists(settings.path());
        if (there && !Files.isRegularFile(settings.path())) {
            throw new IOException(settings.path() + ": not a regular file");
        }
        boolean interrupted = Thread.interrupted();
        try {
            return open(settings, opener, keeps, there);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static SwapFile open(SwapFileSettings settings, Opener opener, Predicate<SwapHeader> keeps, boolean there)
            throws IOException {
        Path path = settings.path();
        if (!there) {
            // A failure deletes what was made here, so it must be certain that it was made here.
            Files.createFile(path);
        }
        boolean done = false;
        try {
            Set<OpenOption> options = new HashSet<>(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
            FileChannel channel = settings.direct() ? openDirect(path, options, opener) : opener.open(path, options);
            try {
                SwapHeader header = admit(channel, settings, keeps);
                done = true;
                return new SwapFile(
                        path, header, new SteadyChannel(channel, () -> openAgain(path, options, opener, header)));
            } finally {
                if (!done) {
                    channel.close();
                }
            }
        } finally {
            if (!done && !there) {
                Files.deleteIfExists(path);
            }
        }
    }

    /** Opens the file past the host's cache, and adds the option for that; as usual where the host does not do it. */
    private static FileChannel openDirect(Path path, Set<OpenOption> options, Opener opener) throws IOException {
        String reason;
        try {
            long block = Files.getFileStore(path).getBlockSize();
            if (PageSize.BYTES % block == 0) {
                Set<OpenOption> direct = new HashSet<>(options);
                direct.add(DirectAccess.option());
                FileChannel channel = opener.open(path, direct);
                options.addAll(direct);
                return channel;
            }
            reason = "blocks of " + block + " bytes";
        } catch (IOException | UnsupportedOperationException e) {
            reason = e.getMessage();
        }
        LOG.warn("swap file {}: the host's cache cannot be passed by ({}); it is used as usual", path, reason);
        return opener.open(path, options);
    }

    /** Locks the file; returns its header, a new one if it is new or is not kept. */
    private static SwapHeader admit(FileChannel channel, SwapFileSettings settings, Predicate<SwapHeader> keeps)
            throws IOException {
        lock(channel, settings.path());
        if (channel.size() > 0) {
            SwapHeader header = SwapHeader.read(channel, settings.path());
            if (keeps.test(header)) {
                return header;
            }
        }
        size(channel, settings.pages(), settings.preallocate());
        SwapHeader header = new SwapHeader(UUID.randomUUID(), settings.pages());
        header.write(channel);
        return header;
    }

    /** Locks the file until the channel is closed. */
    private static void lock(FileChannel channel, Path path) throws IOException {
        try {
            if (channel.tryLock() == null) {
                throw new IOException(path + ": in use by another process");
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException(path + ": in use by another store", e);
        }
    }

    /** Gives a file its size: by its last page, or all of it so that a full disk shows now. */
    private static void size(FileChannel channel, long pages, boolean preallocate) throws IOException {
        channel.truncate(0);
        long bytes = PageSize.bytes(pages);
        ByteBuffer zeroes = SwapHeader.aligned(preallocate ? CLAIM : PageSize.BYTES);
        for (long at = preallocate ? 0 : bytes - PageSize.BYTES; at < bytes; ) {
            zeroes.clear().limit((int) Math.min(zeroes.capacity(), bytes - at));
            at += channel.write(zeroes, at);
        }
    }

    private static FileChannel openAgain(Path path, Set<OpenOption> options, Opener opener, SwapHeader header)
            throws IOException {
        FileChannel channel = opener.open(path, options);
        boolean done = false;
        try {
            lock(channel, path);
            if (!SwapHeader.read(channel, path).equals(header)) {
                throw new IOException(path + ": was replaced by another swap file");
            }
            done = true;
            return channel;
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    /** What the file is recognised by. */
    UUID identity() {
        return header.identity();
    }

    /** Its size in pages, the header's included. */
    long pages() {
        return header.pages();
    }

    /** Fills {@code to} from byte {@code position} on. */
    void read(ByteBuffer to, long position) throws IOException {
        long origin = position - to.position();
        while (to.hasRemaining()) {
            if (channel.read(origin + to.position(), to) < 0) {
                throw new EOFException(path + ": the file ends before byte " + (origin + to.limit()));
            }
        }
    }

    /** Writes {@code from} at byte {@code position}. */
    void write(ByteBuffer from, long position) throws IOException {
        long origin = position - from.position();
        while (from.hasRemaining()) {
            channel.write(origin + from.position(), from);
        }
    }

    /** Closes the file; it stays. */
    @Override
    public void close() throws IOException {
        closed = true;
        channel.close();
    }

    /** Closes the file and deletes it. */
    void delete() throws IOException {
        close();
        Files.deleteIfExists(path);
    }

    boolean isClosed() {
        return closed;
    }
}
