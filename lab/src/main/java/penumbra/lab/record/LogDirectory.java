// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import penumbra.lab.trace.BadInput;

/**
 * A temporary directory that Valgrind writes its logs to. They grow by some 15 bytes per reference, so what has been
 * read is given back to the file system where that can be done; where it cannot, there must be room at the start.
 */
final class LogDirectory implements Closeable {
    /** How much of a log is given back at a time, in bytes. */
    private static final long PORTION = 64L << 20;

    /** What must be free at the start if nothing can be given back: a minute of Valgrind's writing, roughly. */
    private static final long ROOM_AT_START = 2L << 30;

    /** What must stay free while programs run, so that no log is cut short. */
    private static final long ROOM_LEFT = 128L << 20;

    private final Path path = Files.createTempDirectory("penumbra-record-");
    private final Map<Path, Long> released = new HashMap<>();
    private final boolean releases;

    LogDirectory() throws IOException {
        Path probe = Files.write(path.resolve("probe"), new byte[1]);
        releases = release(probe, 0, 1);
        Files.delete(probe);
        if (!releases) {
            requireRoom(ROOM_AT_START);
        }
    }

    Path path() {
        return path;
    }

    /** The logs that have appeared under the names that Valgrind gives them. */
    List<Path> newLogs() throws IOException {
        List<Path> logs = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path, "*.log")) {
            entries.forEach(logs::add);
        }
        return logs;
    }

    /** Renames a log, so that the next program of the same process does not begin it again. */
    Path setAside(Path log, int program) throws IOException {
        return Files.move(log, log.resolveSibling(log.getFileName() + "." + program));
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
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        }
        Files.deleteIfExists(path);
    }
}
