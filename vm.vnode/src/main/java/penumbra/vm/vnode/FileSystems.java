// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.kern.Counter;
import penumbra.vnode.FileSystem;
import penumbra.vnode.FileSystemAway;

/** The file systems that are there, the latest of each name first; one can be waited for. Thread-safe. */
final class FileSystems {
    private static final Logger LOG = LoggerFactory.getLogger(FileSystems.class);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrival = lock.newCondition();
    private final Counter waits = new Counter("waits");

    // Guarded by the lock.
    private final List<Present> present = new ArrayList<>();
    /** Names that were there once. */
    private final Set<String> known = new HashSet<>();

    /** A file system and the name that it had when it came. */
    private record Present(String name, FileSystem fileSystem) {}

    /** Adds a file system, unless it cannot even say its name. */
    void add(FileSystem fileSystem) {
        String name;
        try {
            name = fileSystem.name();
        } catch (RuntimeException | LinkageError e) {
            LOG.error("a file system failed to say its name", e);
            return;
        }
        lock.lock();
        try {
            present.add(0, new Present(name, fileSystem));
            known.add(name);
            arrival.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void remove(FileSystem fileSystem) {
        lock.lock();
        try {
            present.removeIf(other -> other.fileSystem == fileSystem);
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@code fileSystem} has not left. */
    boolean has(FileSystem fileSystem) {
        lock.lock();
        try {
            return present.stream().anyMatch(other -> other.fileSystem == fileSystem);
        } finally {
            lock.unlock();
        }
    }

    /** Whether one of that name is there. */
    boolean has(String name) {
        lock.lock();
        try {
            return find(name) != null;
        } finally {
            lock.unlock();
        }
    }

    /** How many calls have waited. */
    long waits() {
        return waits.get();
    }

    /** The file system of that name; an error says which there are. */
    FileSystem named(String name) throws FileSystemAway {
        return await(name, 0);
    }

    /**
     * The file system of that name, as soon as it comes back; one that was never there is not waited for. An interrupt
     * is kept for the caller and ends nothing.
     */
    FileSystem await(String name, long nanos) throws FileSystemAway {
        long left = nanos;
        boolean interrupted = false;
        lock.lock();
        try {
            while (true) {
                @Nullable FileSystem found = find(name);
                if (found != null) {
                    return found;
                }
                if (left <= 0 || !known.contains(name)) {
                    throw new FileSystemAway("no file system \"" + name + "\"; there are: " + names());
                }
                if (left == nanos) {
                    waits.increment();
                }
                long start = System.nanoTime();
                try {
                    left = arrival.awaitNanos(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                    left -= System.nanoTime() - start;
                }
            }
        } finally {
            lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** What to throw for a call on a file system that failed: if that has left meanwhile, it failed for this reason. */
    IOException blame(String name, FileSystem by, IOException failure) {
        if (has(by)) {
            // Nobody shall wait for what is there, whatever it says.
            return failure instanceof FileSystemAway ? new IOException(failure.getMessage(), failure) : failure;
        }
        FileSystemAway away = new FileSystemAway("file system \"" + name + "\" has left");
        away.addSuppressed(failure);
        return away;
    }

    private @Nullable FileSystem find(String name) {
        for (Present candidate : present) {
            if (candidate.name.equals(name)) {
                return candidate.fileSystem;
            }
        }
        return null;
    }

    private String names() {
        return present.isEmpty()
                ? "none"
                : present.stream().map(Present::name).distinct().sorted().collect(Collectors.joining(", "));
    }
}
