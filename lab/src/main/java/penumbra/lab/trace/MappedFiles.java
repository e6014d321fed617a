// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;

/** Describes the files behind mappings, so that a replay elsewhere can tell whether it has the same ones. */
final class MappedFiles {
    private static final long UNKNOWN = -1;

    private MappedFiles() {}

    /** What is known of each path already, or else what lies there now. */
    static List<RecordedFile> describe(Collection<String> paths, List<RecordedFile> known) {
        List<RecordedFile> described = new ArrayList<>();
        for (String path : paths) {
            described.add(known.stream()
                    .filter(file -> file.path().equals(path))
                    .findFirst()
                    .orElseGet(() -> describe(path)));
        }
        return described;
    }

    private static RecordedFile describe(String name) {
        try {
            Path path = Path.of(name);
            if (!Files.isRegularFile(path)) {
                return new RecordedFile(name, UNKNOWN, "");
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            long size;
            try (InputStream in = new DigestInputStream(Files.newInputStream(path), digest)) {
                size = in.transferTo(OutputStream.nullOutputStream());
            }
            return new RecordedFile(name, size, HexFormat.of().formatHex(digest.digest()));
        } catch (IOException | InvalidPathException e) {
            return new RecordedFile(name, UNKNOWN, "");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
