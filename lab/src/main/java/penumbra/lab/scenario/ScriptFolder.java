// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.scenario;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;

/** The scripts of a directory or archive, with what the original printed for each. */
public final class ScriptFolder {
    /** The longest file that is taken in; the longest known is 1 MB. */
    private static final int MAX_BYTES = 64 << 20;

    private final Map<String, List<String>> files;

    private ScriptFolder(Map<String, List<String>> files) {
        this.files = files;
    }

    /**
     * Reads a directory, a {@code .tar.xz} or a {@code .tar.gz}.
     *
     * @throws IOException when it cannot be read; the message is one line
     */
    public static ScriptFolder read(Path path) throws IOException {
        Map<String, List<String>> files = new TreeMap<>();
        if (Files.isDirectory(path)) {
            try (Stream<Path> paths = Files.list(path)) {
                for (Path file : paths.filter(Files::isRegularFile).sorted().toList()) {
                    add(files, String.valueOf(file.getFileName()), Files.newInputStream(file));
                }
            }
        } else {
            try (InputStream raw = new BufferedInputStream(Files.newInputStream(path))) {
                readArchive(files, path, raw);
            }
        }
        if (files.keySet().stream().noneMatch(name -> name.endsWith(".ops"))) {
            throw new IOException(path + ": expected scripts NAME.ops in a directory, .tar.xz or .tar.gz");
        }
        return new ScriptFolder(files);
    }

    /** One script with what the original printed for it. */
    static ScriptFolder of(ScenarioFile script, List<String> printed) {
        return new ScriptFolder(
                new TreeMap<>(Map.of(script.name() + ".ops", script.lines(), script.name() + ".jsonl", printed)));
    }

    private static void readArchive(Map<String, List<String>> files, Path path, InputStream raw) throws IOException {
        InputStream plain;
        if (path.toString().endsWith(".xz")) {
            plain = new XZCompressorInputStream(raw);
        } else if (path.toString().endsWith(".gz")) {
            plain = new GzipCompressorInputStream(raw);
        } else {
            throw new IOException(path + ": expected a directory, .tar.xz or .tar.gz");
        }
        TarArchiveInputStream tar = new TarArchiveInputStream(plain);
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            if (entry.isFile()) {
                String name = entry.getName();
                add(files, name.substring(name.lastIndexOf('/') + 1), tar);
            }
        }
    }

    private static void add(Map<String, List<String>> files, String name, InputStream stream) throws IOException {
        if (name.endsWith(".ops") || name.endsWith(".jsonl")) {
            byte[] bytes = stream.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new IOException(name + ": longer than " + MAX_BYTES + " bytes");
            }
            files.put(name, new String(bytes, StandardCharsets.UTF_8).lines().toList());
        }
    }

    /** The scripts, in the order of their names, without the {@code .ops}. */
    public List<ScenarioFile> scripts() {
        return files.entrySet().stream()
                .filter(file -> file.getKey().endsWith(".ops"))
                .map(file -> new ScenarioFile(
                        file.getKey().substring(0, file.getKey().length() - ".ops".length()), file.getValue()))
                .toList();
    }

    /** What the original printed for script {@code name}; null when there is nothing. */
    public @Nullable List<String> original(String name) {
        return files.get(name + ".jsonl");
    }

    /** What the mended object file printed for script {@code name}; null when it prints the same. */
    public @Nullable List<String> mended(String name) {
        return files.get(name + ".fixed.jsonl");
    }
}
