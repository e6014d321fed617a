// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The logs that one process writes while it runs: one, or one more for each exec. For one thread. */
final class GrowingLog implements Closeable {
    private final Spool.Part part;
    private final TraceWriter writer;
    private final List<Integer> children = new ArrayList<>();
    private @Nullable LogSummary first;
    private LogParser parser;
    private Path path;
    private FileChannel file;
    private InputStream in;
    private boolean complete;

    GrowingLog(Spool.Part part, Path log) throws IOException {
        this.part = part;
        writer = new TraceWriter(new ByteWriter(part));
        path = log;
        parser = new LogParser(log.toString(), writer);
        file = FileChannel.open(log);
        in = Channels.newInputStream(file);
    }

    /** Reads what has been added. */
    void advance() throws IOException {
        while (parser.read(in)) {
            // Each reading passes its references on.
        }
    }

    /** The present log. */
    Path path() {
        return path;
    }

    /** How far the present log has been read, in bytes. */
    long position() throws IOException {
        return file.position();
    }

    /** The processes that the present program has forked so far. */
    List<Integer> children() {
        return parser.children();
    }

    /** True if Valgrind has ended the present log in order. */
    boolean isComplete() {
        return parser.isComplete();
    }

    /** Goes on to the log of the program that the process has begun instead of the one so far. */
    void exec(Path log) throws IOException {
        advance();
        endProgram();
        path = log;
        parser = new LogParser(log.toString(), writer);
        file = FileChannel.open(log);
        in = Channels.newInputStream(file);
    }

    /** Ends the process. A line that it could not finish any more is left out. */
    Member finish() throws IOException {
        advance();
        LogSummary begun = endProgram();
        writer.end();
        LogSummary whole = new LogSummary(
                begun.pid(), begun.parentPid(), begun.command(), begun.continuesFork(), children, complete, -1);
        return new Member("process " + whole.pid(), whole, writer.counts(), part);
    }

    private LogSummary endProgram() throws IOException {
        in.close();
        Files.delete(path);
        LogSummary summary = parser.breakOff();
        children.addAll(summary.children());
        complete = summary.complete();
        if (first == null) {
            first = summary;
        }
        return first;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
