// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZFormatException;
import org.tukaani.xz.XZInputStream;

/** Finds the logs in files, directories and archives. What a file is, its first bytes say, not its name. */
final class Inputs {
    /** Takes one log; the stream ends with the log and is closed by the caller. */
    interface Visitor {
        void log(String source, InputStream log) throws IOException;
    }

    /** The names that count in directories and archives; whatever else lies there is left alone. */
    private static final Pattern LOG_NAME = Pattern.compile(".*\\.log(\\.gz|\\.xz)?", Pattern.DOTALL);

    private static final byte[] GZIP = {0x1f, (byte) 0x8b};
    private static final byte[] XZ = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0};
    private static final byte[] TAR = "ustar".getBytes(StandardCharsets.US_ASCII);

    /** Where a tar archive says that it is one. */
    private static final int TAR_AT = 257;

    private static final int HEAD = 512;
    private static final int BUFFER = 1 << 16;

    /** What an xz stream may ask for, in KiB: twice the dictionary of the highest preset. */
    private static final int XZ_MEMORY = 128 << 10;

    private Inputs() {}

    /** Checks that a path names something that can be read without waiting: a regular file or a directory. */
    static void check(Path path) throws BadInput {
        if (!Files.exists(path)) {
            throw new BadInput(path.toString(), "no such file");
        }
        if (!Files.isRegularFile(path) && !Files.isDirectory(path)) {
            throw new BadInput(path.toString(), "neither a regular file nor a directory");
        }
    }

    /** Visits the log that a file is, or the logs that a directory or an archive holds. Returns how many. */
    static int visit(Path path, Visitor visitor) throws IOException {
        check(path);
        if (!Files.isDirectory(path)) {
            return visitFile(path, visitor);
        }
        List<Path> logs = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                if (isLog(entry.getFileName().toString())) {
                    logs.add(entry);
                }
            }
        }
        Collections.sort(logs);
        for (Path log : logs) {
            if (!Files.isRegularFile(log)) {
                throw new BadInput(log.toString(), "not a regular file");
            }
            visitFile(log, visitor);
        }
        return logs.size();
    }

    /** Whether logs lie inside of it, so that it is a recording of its own. */
    static boolean isContainer(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return true;
        }
        try (BufferedInputStream file = head(decompressed(head(Files.newInputStream(path))))) {
            return isTar(file);
        } catch (IOException e) {
            throw failure(path.toString(), e);
        }
    }

    private static int visitFile(Path path, Visitor visitor) throws IOException {
        try (InputStream file = Files.newInputStream(path)) {
            return visit(path.toString(), file, visitor);
        } catch (IOException e) {
            throw failure(path.toString(), e);
        }
    }

    /** Visits the logs in a stream. */
    static int visit(String source, InputStream in, Visitor visitor) throws IOException {
        BufferedInputStream raw = head(in);
        InputStream plain = decompressed(raw);
        try (BufferedInputStream contents = head(plain == raw ? raw : new AheadInputStream(plain))) {
            if (!isTar(contents)) {
                visitor.log(source, contents);
                return 1;
            }
            int logs = visitTar(source, new TarArchiveInputStream(contents), visitor);
            // Only at its very end does a compressed stream say whether all of it was whole.
            contents.transferTo(OutputStream.nullOutputStream());
            return logs;
        }
    }

    private static int visitTar(String source, TarArchiveInputStream tar, Visitor visitor) throws IOException {
        int logs = 0;
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            if (entry.isFile() && isLog(entry.getName())) {
                String name = source + "(" + entry.getName() + ")";
                try {
                    visitor.log(name, decompressed(head(tar)));
                } catch (IOException e) {
                    throw failure(name, e);
                }
                logs++;
            }
        }
        return logs;
    }

    private static boolean isLog(String name) {
        return LOG_NAME.matcher(name).matches();
    }

    private static BufferedInputStream head(InputStream in) {
        return new BufferedInputStream(in, BUFFER);
    }

    /** The contents of a compressed stream, or the stream itself. */
    private static InputStream decompressed(BufferedInputStream in) throws IOException {
        byte[] head = peek(in);
        if (startsWith(head, 0, XZ)) {
            return new XZInputStream(in, XZ_MEMORY);
        }
        return startsWith(head, 0, GZIP) ? new GZIPInputStream(in, BUFFER) : in;
    }

    private static boolean isTar(BufferedInputStream in) throws IOException {
        return startsWith(peek(in), TAR_AT, TAR);
    }

    private static byte[] peek(BufferedInputStream in) throws IOException {
        in.mark(HEAD);
        byte[] head = in.readNBytes(HEAD);
        in.reset();
        return head;
    }

    private static boolean startsWith(byte[] head, int at, byte[] mark) {
        return head.length >= at + mark.length && Arrays.equals(head, at, at + mark.length, mark, 0, mark.length);
    }

    /** An exception of any reader below, as one line with the name of the input. */
    static BadInput failure(String source, IOException e) {
        return e instanceof BadInput bad ? bad : new BadInput(source, describe(e), e);
    }

    /** What an exception of a reader means to the user. */
    static String describe(IOException e) {
        if (e instanceof NoSuchFileException) {
            return "no such file";
        }
        if (e instanceof AccessDeniedException) {
            return "no permission to read it";
        }
        if (e instanceof EOFException) {
            return "cut short";
        }
        if (e instanceof XZFormatException || e instanceof ZipException) {
            return "damaged archive: " + e.getMessage();
        }
        return "cannot be read: " + e.getMessage();
    }

    /** A stream over what an xz stream holds. */
    static InputStream xz(InputStream in) throws IOException {
        return new XZInputStream(in, XZ_MEMORY);
    }
}
