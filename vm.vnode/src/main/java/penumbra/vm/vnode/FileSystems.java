// SPDX-License-Identifier: BSD-2-Clause
package penumbra.vm.vnode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import penumbra.vnode.FileSystem;

/** The file systems that are there, the latest of each name first; one can be waited for. Thread-safe. */
final class FileSystems {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrival = lock.newCondition();
    private final List<FileSystem> present = new ArrayList<>();

    void add(FileSystem fileSystem) {
        lock.lock();
        try {
            present.add(0, fileSystem);
            arrival.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void remove(FileSystem fileSystem) {
        lock.lock();
        try {
            present.removeIf(other -> other == fileSystem);
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
        for (FileSystem fileSystem : present) {
            if (fileSystem.name().equals(name)) {
                return fileSystem;
            }
        }
        return null;
    }

    private String names() {
        return present.isEmpty()
                ? "none"
                : present.stream().map(FileSystem::name).distinct().sorted().collect(Collectors.joining(", "));
    }
}
