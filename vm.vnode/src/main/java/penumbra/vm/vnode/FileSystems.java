// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import penumbra.vnode.FileSystem;

/** The file systems that are there, the latest of each name first; one can be waited for. Thread-safe. */
final class FileSystems {
    private static final Logger LOG = LoggerFactory.getLogger(FileSystems.class);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrival = lock.newCondition();
    private final List<Present> present = new ArrayList<>();

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

    /** The file system of that name; an error says which there are. */
    FileSystem named(String name) throws IOException {
        return await(name, 0);
    }

    /** The file system of that name, as soon as it comes; an interrupt is kept for the caller and ends nothing. */
    FileSystem await(String name, long nanos) throws IOException {
        long left = nanos;
        boolean interrupted = false;
        lock.lock();
        try {
            while (true) {
                @Nullable FileSystem found = find(name);
                if (found != null) {
                    return found;
                }
                if (left <= 0) {
                    throw new IOException("no file system \"" + name + "\"; there are: " + names());
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
