// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import penumbra.lab.trace.BadInput;

/**
 * A temporary directory that Valgrind writes its logs to. An exec makes Valgrind begin the log of the process again
 * under the same name; so a log is renamed at once when it appears, and what came before the exec stays whole. Only a
 * program that ends within the first millisecond of its log is lost. Logs grow by some 15 bytes per reference, so what
 * has been read is given back to the file system where that can be done; where it cannot, there must be room at the
 * start.
 */
final class LogDirectory implements Closeable {
    /** How much of a log is given back at a time, in bytes. */
    private static final long PORTION = 64L << 20;

    /** What must be free at the start if nothing can be given back: a minute of Valgrind's writing, roughly. */
    private static final long ROOM_AT_START = 2L << 30;

    /** What must stay free while programs run, so that no log is cut short. */
    private static final long ROOM_LEFT = 128L << 20;

    private static final Pattern LOG = Pattern.compile("(\\d{1,9})\\.log");

    /** A log under a name that Valgrind does not know. */
    record Log(int pid, Path path) {}

    private final Path path = Files.createTempDirectory("penumbra-record-");
    private final WatchService watcher = path.getFileSystem().newWatchService();
    private final Queue<Log> found = new ConcurrentLinkedQueue<>();
    private final Map<Integer, Integer> programs = new HashMap<>();
    private final Map<Path, Long> released = new HashMap<>();
    private final boolean releases;

    LogDirectory() throws IOException {
        Path probe = Files.write(path.resolve("probe"), new byte[1]);
        releases = release(probe, 0, 1);
        Files.delete(probe);
        if (!releases) {
            requireRoom(ROOM_AT_START);
        }
        path.register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
        Thread thread = new Thread(this::watch, "recording-watcher");
        thread.setDaemon(true);
        thread.start();
    }

    Path path() {
        return path;
    }

    /** The logs that have been set aside since this was asked last, in the order in which they appeared. */
    List<Log> newLogs() throws IOException {
        setAside();
        List<Log> logs = new ArrayList<>();
        for (Log log = found.poll(); log != null; log = found.poll()) {
            logs.add(log);
        }
        return logs;
    }

    /** Renames logs as soon as they appear, for as long as the directory is open. */
    private void watch() {
        try {
            WatchKey key;
            do {
                key = watcher.take();
                key.pollEvents();
                setAside();
            } while (key.reset());
        } catch (InterruptedException | IOException | ClosedWatchServiceException e) {
            // The directory was closed, or it will be looked at without being told.
        }
    }

    private synchronized void setAside() throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path, "*.log")) {
            for (Path log : entries) {
                Matcher name = LOG.matcher(log.getFileName().toString());
                if (name.matches()) {
                    int pid = Integer.parseInt(name.group(1));
                    int program = programs.merge(pid, 1, Integer::sum);
                    found.add(new Log(pid, Files.move(log, log.resolveSibling(pid + "." + program))));
                }
            }
        }
    }

    /** Takes note that a log has been read up to a position, and gives that part back if it is worth it. */
    void consumed(Path log, long position) {
        long before = released.getOrDefault(log, 0L);
        if (releases && position - before >= PORTION) {
            release(log, before, position - before);
            released.put(log, position);
        }
    }

    /** Fails if programs could run into the end of the file system. */
    void requireRoom() throws IOException {
        requireRoom(ROOM_LEFT);
    }

    private void requireRoom(long bytes) throws IOException {
        long free = Files.getFileStore(path).getUsableSpace();
        if (free < bytes) {
            throw new BadInput(
                    path.toString(),
                    "only " + (free >> 20) + " MiB free for Valgrind's logs, expected " + (bytes >> 20) + " MiB");
        }
    }

    /** Java cannot punch holes into files; util-linux can. */
    private static boolean release(Path file, long from, long length) {
        try {
            Process process = new ProcessBuilder(
                            "fallocate",
                            "--punch-hole",
                            "--offset",
                            Long.toString(from),
                            "--length",
                            Long.toString(length),
                            file.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        watcher.close();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        }
        Files.deleteIfExists(path);
    }
}
