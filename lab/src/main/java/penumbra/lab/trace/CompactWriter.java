// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Writes a compact recording in the form that {@link CompactFile} reads. */
final class CompactWriter implements Closeable {
    /** What a process needs for reading, in bytes, if it is long; a larger one gains little. */
    private static final int LARGEST_DICTIONARY = 8 << 20;

    private final ByteWriter out;
    private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
    private final ByteWriter entries = new ByteWriter(directory);

    /** Starts a recording of a number of processes. */
    CompactWriter(OutputStream out, int processes) throws IOException {
        this.out = new ByteWriter(out);
        for (byte octet : CompactFile.magic()) {
            this.out.octet(octet);
        }
        this.out.octet(CompactFile.VERSION >>> 8);
        this.out.octet(CompactFile.VERSION);
        entries.number(processes);
    }

    /** Appends a process. */
    void add(Member member) throws IOException {
        LogSummary summary = member.summary();
        long start = out.position();
        try (InputStream contents = member.contents().open()) {
            compress(contents);
        }
        entries.number(summary.pid());
        entries.number(summary.parentPid());
        entries.text(summary.command());
        entries.number(summary.continuesFork() ? 1 : 0);
        entries.number(summary.complete() ? 1 : 0);
        entries.difference(summary.instructions());
        entries.number(summary.children().size());
        for (int child : summary.children()) {
            entries.number(child);
        }
        ReferenceCounts counts = member.references();
        entries.number(counts.fetches());
        entries.number(counts.loads());
        entries.number(counts.stores());
        entries.number(counts.modifies());
        entries.number(start);
        entries.number(out.position() - start);
    }

    private void compress(InputStream contents) throws IOException {
        byte[] head = contents.readNBytes(LARGEST_DICTIONARY);
        LZMA2Options options = new LZMA2Options();
        options.setDictSize(Math.max(LZMA2Options.DICT_SIZE_MIN, head.length));
        XZOutputStream xz = new XZOutputStream(out.stream(), options);
        xz.write(head);
        contents.transferTo(xz);
        xz.finish();
    }

    /** Ends the recording with the files that its processes mapped. */
    void finish(List<RecordedFile> files) throws IOException {
        entries.number(files.size());
        for (RecordedFile recorded : files) {
            entries.text(recorded.path());
            entries.difference(recorded.size());
            entries.text(recorded.sha256());
        }
        entries.flush();
        CRC32 sum = new CRC32();
        sum.update(directory.toByteArray());
        ByteBuffer tail = ByteBuffer.allocate(CompactFile.TAIL)
                .putLong(out.position())
                .putInt(directory.size())
                .putInt((int) sum.getValue())
                .put(CompactFile.magic());
        OutputStream last = out.stream();
        directory.writeTo(last);
        last.write(tail.array());
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
