// SPDX-License-Identifier: BSD-2-Clause
package penumbra.lab.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Recorded programs, ready to be replayed: their processes, how forks join them, and what each did. Logs are read once
 * when they are opened, decompressed on a second thread, and kept in a temporary file in compact form; compact
 * recordings are read where they are. Traces are decoded on one reader thread. For each open trace the memory needed
 * is some 500 KiB, for a compact recording plus a dictionary of 8 MiB at most.
 */
public final class Recording implements Closeable {
    /** The name of the standard input among the inputs. */
    public static final String STANDARD_INPUT = "-";

    private final List<Member> members = new ArrayList<>();
    private final List<RecordedProcess> processes = new ArrayList<>();
    private final List<RecordedFile> files = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final List<Closeable> resources = new ArrayList<>();
    private final Map<Integer, Descriptors> inherited = new HashMap<>();
    private final ExecutorService reader = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "recording-reader");
        thread.setDaemon(true);
        return thread;
    });
    private ReferenceCounts references = ReferenceCounts.NONE;

    Recording() {}

    /**
     * Opens recordings: logs (plain or compressed), directories and archives of logs, compact recordings, or
     * {@link #STANDARD_INPUT}. Each directory, archive and compact recording is joined by itself; logs that are named
     * one by one are joined with each other.
     *
     * @throws BadInput if one of them cannot be used
     */
    public static Recording open(List<String> inputs, InputStream standardInput) throws IOException {
        Recording recording = new Recording();
        try {
            recording.read(inputs, standardInput);
            return recording;
        } catch (IOException | RuntimeException e) {
            recording.close();
            throw e;
        }
    }

    /** Whether a regular file starts like a compact recording. */
    public static boolean isCompact(Path path) throws BadInput {
        return CompactFile.isCompact(path);
    }

    private void read(List<String> inputs, InputStream standardInput) throws IOException {
        Spool spool = new Spool();
        keep(spool);
        List<Member> single = new ArrayList<>();
        for (String input : inputs) {
            if (input.equals(STANDARD_INPUT)) {
                Inputs.visit("standard input", standardInput, (source, log) -> single.add(spooled(spool, source, log)));
                continue;
            }
            Path path = Path.of(input);
            Inputs.check(path);
            if (Files.isRegularFile(path) && CompactFile.isCompact(path)) {
                CompactFile compact = CompactFile.open(path);
                keep(compact);
                files.addAll(compact.files());
                join(compact.members());
                continue;
            }
            List<Member> found = new ArrayList<>();
            Inputs.visit(path, (source, log) -> found.add(spooled(spool, source, log)));
            if (found.isEmpty()) {
                throw new BadInput(input, "no logs in it: expected files named *.log, *.log.gz or *.log.xz");
            }
            if (Inputs.isContainer(path)) {
                join(found);
            } else {
                single.addAll(found);
            }
        }
        join(single);
    }

    private static Member spooled(Spool spool, String source, InputStream log) throws IOException {
        Spool.Part part = spool.part();
        TraceWriter writer = new TraceWriter(new ByteWriter(part));
        LogParser parser = new LogParser(source, writer);
        while (parser.read(log)) {
            // Each reading passes its references on.
        }
        LogSummary summary = parser.finish();
        writer.end();
        return new Member(source, summary, writer.counts(), part);
    }

    /** Takes something that is closed with the recording. */
    void keep(Closeable resource) {
        resources.add(resource);
    }

    /** Takes the processes of one recording. */
    void join(List<Member> found) throws BadInput {
        List<Member> sorted = Family.sorted(found);
        processes.addAll(Family.join(sorted, processes.size()));
        members.addAll(sorted);
        for (Member member : sorted) {
            references = references.plus(member.references());
            note(member);
        }
    }

    private void note(Member member) {
        LogSummary summary = member.summary();
        long fetched = member.references().fetches();
        if (!summary.complete()) {
            notes.add(member.source() + ": the log has no end, the process was killed or the log was cut");
        } else if (!summary.continuesFork() && summary.instructions() >= 0 && summary.instructions() != fetched) {
            notes.add(member.source() + ": Valgrind counted " + summary.instructions() + " instructions, the log has "
                    + fetched);
        }
    }

    /** All processes; parents and children in the order of their numbers, one input after the other. */
    public List<RecordedProcess> processes() {
        return List.copyOf(processes);
    }

    /** The files that were mapped, as far as compact recordings tell. */
    public List<RecordedFile> files() {
        return List.copyOf(files);
    }

    /** All references of all processes, counted. */
    public ReferenceCounts references() {
        return references;
    }

    /** Oddities that the user should know of, a line each. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /**
     * Starts reading a process. A child can be opened only after its parent's trace has brought the fork, because it
     * inherits the files that are open then. Threads may read different traces at a time.
     */
    public Trace open(RecordedProcess process) throws IOException {
        Descriptors descriptors;
        synchronized (inherited) {
            descriptors = process.isRoot() ? new Descriptors() : inherited.get(process.index());
        }
        if (descriptors == null) {
            throw new IllegalStateException("process " + process.pid() + " is opened before its parent has forked it");
        }
        Member member = members.get(process.index());
        ByteReader in = new ByteReader(member.source(), contents(member));
        int family = process.index();
        return new AheadTrace(new TraceReader(in, descriptors.copy(), (pid, open) -> born(family, pid, open)), reader);
    }

    private static InputStream contents(Member member) throws BadInput {
        try {
            return member.contents().open();
        } catch (IOException e) {
            throw Inputs.failure(member.source(), e);
        }
    }

    private @Nullable RecordedProcess born(int parent, int pid, Descriptors open) {
        for (RecordedProcess process : processes) {
            if (process.parent() == parent && process.pid() == pid) {
                synchronized (inherited) {
                    inherited.put(process.index(), open);
                }
                return process;
            }
        }
        return null;
    }

    /** The files behind all mappings, in the order in which processes come to them. Reads everything. */
    Set<String> mappedPaths() throws IOException {
        Set<String> paths = new LinkedHashSet<>();
        Deque<RecordedProcess> waiting = new ArrayDeque<>(
                processes.stream().filter(RecordedProcess::isRoot).toList());
        for (RecordedProcess process = waiting.poll(); process != null; process = waiting.poll()) {
            try (Trace trace = open(process)) {
                for (Trace.Step step = trace.next(); step != Trace.Step.END; step = trace.next()) {
                    if (step != Trace.Step.CALL) {
                        continue;
                    }
                    if (trace.call() instanceof Call.Mmap mmap && mmap.path() != null) {
                        paths.add(mmap.path());
                    } else if (trace.call() instanceof Call.Fork fork && fork.child() != null) {
                        waiting.add(fork.child());
                    }
                }
            }
        }
        return paths;
    }

    /**
     * Writes everything as one compact recording; the stream stays open. Blocks for as long as compression takes.
     *
     * @throws BadInput if processes of different inputs have the same number
     */
    public void writeCompact(OutputStream out) throws IOException {
        List<RecordedFile> mapped = MappedFiles.describe(mappedPaths(), files);
        Family.join(Family.sorted(members), 0);
        CompactWriter writer = new CompactWriter(out, members.size());
        for (Member member : members) {
            writer.add(member);
        }
        writer.finish(mapped);
    }

    @Override
    public void close() {
        reader.shutdownNow();
        for (Closeable resource : resources) {
            try {
                resource.close();
            } catch (IOException e) {
                // It was only read from, or is a temporary file without a name.
            }
        }
    }
}
