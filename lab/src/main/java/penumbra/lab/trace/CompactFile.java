// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.tukaani.xz.XZInputStream;

/**
 * A compact recording, opened for reading. The file is
 *
 * <ol>
 * <li>a head: {@link #MAGIC}, then the version as two bytes;
 * <li>one xz stream per process with its contents as {@link TraceFormat} says;
 * <li>the directory: the processes with where their streams are, then the mapped files with size and SHA-256;
 * <li>a tail of {@value #TAIL} bytes: where the directory starts (8 bytes), its length (4), its CRC-32 (4), and
 * {@link #MAGIC} again. Numbers in head and tail are big-endian.
 * </ol>
 */
final class CompactFile implements Closeable {
    /** Not text in any encoding, and changed by a transfer that takes it for text. */
    private static final byte[] MAGIC = {(byte) 0x89, 'P', 'N', 'B', '\r', '\n', 0x1a, '\n'};

    /** The only version so far. */
    static final int VERSION = 1;

    static final int TAIL = Long.BYTES + Integer.BYTES + Integer.BYTES + 8;
    private static final int HEAD = MAGIC.length + Short.BYTES;

    /** What a directory may take: far more than thousands of processes and files need. */
    private static final int LONGEST_DIRECTORY = 1 << 26;

    /** What reading one process may take, in KiB: the dictionary that {@link CompactWriter} uses at most, twice. */
    private static final int XZ_MEMORY = 16 << 10;

    /** A digest of SHA-256 in hexadecimal, or nothing. */
    private static final int DIGEST = 64;

    private final String source;
    private final FileChannel file;
    private final List<Member> members = new ArrayList<>();
    private final List<RecordedFile> files = new ArrayList<>();

    private CompactFile(String source, FileChannel file) {
        this.source = source;
        this.file = file;
    }

    static byte[] magic() {
        return MAGIC.clone();
    }

    /** Whether a regular file starts like a compact recording. */
    static boolean isCompact(Path path) throws BadInput {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            return Arrays.equals(read(file, 0, (int) Math.min(file.size(), MAGIC.length)), MAGIC);
        } catch (IOException e) {
            throw Inputs.failure(path.toString(), e);
        }
    }

    /** Opens a compact recording and reads its directory. */
    static CompactFile open(Path path) throws BadInput {
        String source = path.toString();
        try {
            CompactFile compact = new CompactFile(source, FileChannel.open(path, StandardOpenOption.READ));
            try {
                compact.readDirectory();
            } catch (IOException e) {
                compact.close();
                throw e;
            }
            return compact;
        } catch (IOException e) {
            throw Inputs.failure(source, e);
        }
    }

    List<Member> members() {
        return members;
    }

    List<RecordedFile> files() {
        return files;
    }

    private void readDirectory() throws IOException {
        long size = file.size();
        if (size < HEAD) {
            throw new BadInput(source, "cut short");
        }
        int version = ByteBuffer.wrap(read(file, MAGIC.length, Short.BYTES)).getShort();
        if (version != VERSION) {
            throw new BadInput(source, "a compact recording of version " + version + ", expected " + VERSION);
        }
        if (size < HEAD + TAIL) {
            throw new BadInput(source, "cut short");
        }
        ByteBuffer tail = ByteBuffer.wrap(read(file, size - TAIL, TAIL));
        long start = tail.getLong();
        int length = tail.getInt();
        int crc = tail.getInt();
        byte[] magic = new byte[MAGIC.length];
        tail.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw new BadInput(source, "cut short");
        }
        if (length < 0 || length > LONGEST_DIRECTORY || start != size - TAIL - length) {
            throw new BadInput(source, "damaged recording, the directory is not where it should be");
        }
        byte[] directory = read(file, start, length);
        CRC32 sum = new CRC32();
        sum.update(directory);
        if ((int) sum.getValue() != crc) {
            throw new BadInput(source, "damaged recording, the directory has another checksum");
        }
        try (ByteReader in = new ByteReader(source, new ByteArrayInputStream(directory))) {
            for (int left = in.number(0, length); left > 0; left--) {
                members.add(member(in, start));
            }
            for (int left = in.number(0, length); left > 0; left--) {
                files.add(recordedFile(in));
            }
            in.end();
        }
    }

    private Member member(ByteReader in, long directory) throws IOException {
        int pid = (int) in.number();
        int parentPid = (int) in.number();
        String command = in.text();
        boolean continuesFork = in.number() != 0;
        boolean complete = in.number() != 0;
        long instructions = in.difference();
        List<Integer> children = new ArrayList<>();
        for (int left = in.number(0, Integer.MAX_VALUE); left > 0; left--) {
            children.add((int) in.number());
        }
        ReferenceCounts counts = new ReferenceCounts(in.number(), in.number(), in.number(), in.number());
        long start = in.number();
        long length = in.number();
        if (start < HEAD || length < 0 || length > directory - start) {
            throw in.damaged("a process outside the file");
        }
        LogSummary summary = new LogSummary(pid, parentPid, command, continuesFork, children, complete, instructions);
        return new Member(
                source + "(process " + pid + ")",
                summary,
                counts,
                () -> new XZInputStream(new FileRange(file, start, length), XZ_MEMORY));
    }

    private static RecordedFile recordedFile(ByteReader in) throws IOException {
        RecordedFile recorded = new RecordedFile(in.text(), in.difference(), in.text());
        if (!recorded.sha256().isEmpty() && recorded.sha256().length() != DIGEST) {
            throw in.damaged("a digest of another length");
        }
        return recorded;
    }

    private static byte[] read(FileChannel file, long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (file.read(bytes, position + bytes.position()) < 0) {
                throw new EOFException();
            }
        }
        return bytes.array();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
